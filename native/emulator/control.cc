#include "control.h"

#include <cstdio>
#include <cstring>
#include <csignal>
#include <sstream>
#include <sys/socket.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include "bytes.h"
#include "context.h"
#include "device.h"
#include "run_folder.h"

namespace emulator {

static int listener = -1;

static const char* const STATES[] = {"reset", "init", "ready", "ready-to-send", "error"};

static void putQueues(std::ostringstream& json, const Device& device) {
  json << ",\"sendQueues\":[";
  const char* comma = "";
  for (const auto& [number, queue] : device.sends) {
    json << comma << "{\"number\":" << number << ",\"state\":\"" << STATES[static_cast<int>(queue->state)] << "\",\"size\":" << queue->count
         << ",\"producer\":" << (readRecord(&queue->doorbell[1]) & 0xffff) << ",\"consumer\":" << queue->consumer << "}";
    comma = ",";
  }
  json << "],\"receiveQueues\":[";
  comma = "";
  for (const auto& [number, queue] : device.receives) {
    json << comma << "{\"number\":" << number << ",\"state\":\"" << STATES[static_cast<int>(queue->state)] << "\",\"size\":" << queue->count
         << ",\"producer\":" << (readRecord(&queue->doorbell[0]) & 0xffff) << ",\"consumer\":" << queue->consumer << "}";
    comma = ",";
  }
  json << "],\"completionQueues\":[";
  comma = "";
  for (const auto& [number, queue] : device.completions) {
    json << comma << "{\"number\":" << number << ",\"size\":" << queue->entries << ",\"entrySize\":" << queue->entrySize
         << ",\"producer\":" << queue->producer << ",\"consumer\":" << (readRecord(&queue->doorbell[0]) & 0xffffff)
         << ",\"events\":" << queue->eventsDelivered << "}";
    comma = ",";
  }
  json << "]";
}

static std::string statistics(const Device& device) {
  std::ostringstream json;
  json << "{\"device\":\"" << device.name << "\",\"linkUp\":" << (device.linkUp ? "true" : "false")
       << ",\"fatal\":" << (device.fatal ? "true" : "false") << ",\"rxPackets\":" << device.rxPackets << ",\"rxBytes\":" << device.rxBytes
       << ",\"txPackets\":" << device.txPackets << ",\"txBytes\":" << device.txBytes << ",\"rxNoFlow\":" << device.rxNoFlow
       << ",\"rxNoWqe\":" << device.rxNoWqe << ",\"rxErrors\":" << device.rxErrors << ",\"txErrors\":" << device.txErrors
       << ",\"cqOverruns\":" << device.cqOverruns << ",\"regions\":" << device.regions.size() << ",\"flows\":" << device.flows.size()
       << ",\"violations\":" << device.violations << ",\"lastViolation\":\"" << device.lastViolation << "\"";
  putQueues(json, device);
  json << "}";
  return json.str();
}

static std::string link(Device& device, const std::string& state) {
  if (state != "up" && state != "down") return "error: link N up|down";
  setLink(device, state == "up");
  return "ok";
}

/** Descriptors that were open when the device failed stay dead. */
static std::string recover(Device& device) {
  device.fatal = false;
  return "ok";
}

static std::string execute(const std::string& line) {
  std::istringstream words(line);
  std::string verb, name;
  size_t index = 0;
  uint64_t value = 0;
  words >> verb >> index;
  if (words.fail() || index >= devices().size()) return "error: no such device";
  Device& device = *devices()[index];
  words >> name >> value;
  DeviceLock lock(device);
  if (verb == "link") return link(device, name);
  if (verb == "stats") return statistics(device);
  if (verb == "recover") return recover(device);
  if (verb == "fatal") {
    setFatal(device);
    return "ok";
  }
  if (verb == "fault") return !words.fail() && setFault(device, name, value) ? "ok" : "error: fault N NAME VALUE";
  return "error: link, fatal, recover, fault or stats";
}

static void serve(int client) {
  FILE* lines = fdopen(client, "re");
  if (!lines) return;
  char line[256];
  while (fgets(line, sizeof line, lines)) {
    std::string answer = execute(line) + "\n";
    if (send(client, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
  }
  fclose(lines);
}

static void serveAll(int socket) {
  for (int client; (client = accept4(socket, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) std::thread(serve, client).detach();
}

void startControl() {
  static std::once_flag once;
  std::call_once(once, [] {
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    snprintf(address.sun_path, sizeof address.sun_path, "%s/control", runFolder().c_str());
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener, 8) != 0) return;
    // Signals are for the program's own threads.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread(serveAll, listener).detach();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  });
}

void stopControl() {
  if (listener >= 0) shutdown(listener, SHUT_RDWR);
}

} // namespace emulator
