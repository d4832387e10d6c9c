// Writing completions: the ring and its owner bit, compressed runs, overrun, events.

#include <algorithm>
#include <ctime>

#include "bytes.h"
#include "cqe.h"
#include "faults.h"

namespace emulator {

namespace {

constexpr uint32_t MINIS_PER_ENTRY = 8;
constexpr uint32_t LONGEST_SESSION = 64;
constexpr uint32_t EVENT_CQ_ERROR = 0; // IBV_EVENT_CQ_ERR

uint64_t clockTicks() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/** Entry `index`; of 128 bytes the second half is the one that is used. */
uint8_t* entryAt(const CompletionQueue& cq, uint32_t index) {
  return cq.buffer + static_cast<size_t>(index & (cq.entries - 1)) * cq.entrySize + cq.entrySize - sizeof(Cqe);
}

bool isError(const Cqe& cqe) { return cqe[CQE_OPCODE] >> 4 >= CQE_REQUEST_ERROR; }

/** Only the bits of two turns of the ring count: DPDK 22.11 writes 16 of an index's 24 bits at times, and runs on the hardware. */
uint32_t ahead(const CompletionQueue& cq, uint32_t index) { return (cq.producer - index) & (2 * cq.entries - 1); }

bool hasRoom(Device& device, CompletionQueue& cq, uint32_t n) {
  if (cq.overrun) return false;
  uint32_t used = ahead(cq, readRecord(&cq.doorbell[0]));
  if (used + n <= cq.entries || cq.ignoreOverrun) return true;
  cq.overrun = true;
  device.cqOverruns++;
  violation(device, "CQ %u overrun: consumer index %u, producer %u, %u entries", cq.cqn, readRecord(&cq.doorbell[0]), cq.producer, cq.entries);
  postAsyncEvent(device, EVENT_CQ_ERROR, cq.userHandle);
  return false;
}

/** The byte with the owner bit comes last: before it the driver does not look at the rest. */
void publish(const CompletionQueue& cq, uint32_t index, const Cqe& cqe, uint8_t format) {
  uint8_t* entry = entryAt(cq, index);
  uint8_t owner = index / cq.entries & 1;
  memcpy(entry, cqe.data(), sizeof cqe - 1);
  __atomic_store_n(entry + CQE_OPCODE, static_cast<uint8_t>(cqe[CQE_OPCODE] | format | owner), __ATOMIC_RELEASE);
}

void raiseEvent(CompletionQueue& cq) {
  cq.armed = false;
  postCompletionEvent(cq);
}

void produced(CompletionQueue& cq, uint32_t n, bool solicited) {
  cq.producer += n;
  if (cq.armed && (solicited || !cq.armSolicited)) raiseEvent(cq);
}

bool isRequest(const Cqe& cqe) { return cqe[CQE_OPCODE] >> 4 == CQE_REQUEST; }

/** Equal but for what a mini entry holds, its time, and WQE counters that follow each other. */
bool alike(const CompletionQueue& cq, const Cqe& title, const Cqe& next, uint32_t distance) {
  bool counters = isRequest(title) || cq.miniFormat == MiniFormat::checksumStride; // are in the mini entries
  if (!counters && get16(&next[CQE_COUNTER]) != static_cast<uint16_t>(get16(&title[CQE_COUNTER]) + distance)) return false;
  auto same = [&](uint32_t from, uint32_t to) { return memcmp(&title[from], &next[from], to - from) == 0; };
  return same(0, CQE_HASH) && same(CQE_HASH_TYPE, CQE_CHECKSUM) && same(CQE_CHECKSUM + 2, CQE_BYTE_COUNT) && same(CQE_QPN, CQE_COUNTER) &&
    same(CQE_COUNTER + 2, sizeof(Cqe));
}

//  mini entry:   0: hash   or   0: checksum, 2: stride index   or, of a send,   0: WQE counter, 2: opcode        4: byte count
void putMini(uint8_t* mini, const Cqe& cqe, MiniFormat format) {
  if (isRequest(cqe)) {
    memcpy(mini, &cqe[CQE_COUNTER], 2);
    mini[2] = cqe[CQE_QPN];
    mini[3] = 0;
  } else if (format == MiniFormat::hash) {
    memcpy(mini, &cqe[CQE_HASH], 4);
  } else {
    memcpy(mini, &cqe[CQE_CHECKSUM], 2);
    memcpy(mini + 2, &cqe[CQE_COUNTER], 2);
  }
  memcpy(mini + 4, &cqe[CQE_BYTE_COUNT], 4);
}

} // namespace

Cqe makeCqe(CqeOpcode opcode, uint32_t userIndex, uint32_t qpnAndOpcode, uint16_t counter) {
  Cqe cqe{};
  put32(&cqe[CQE_USER_INDEX], userIndex & 0xffffff);
  put64(&cqe[CQE_TIMESTAMP], clockTicks());
  put32(&cqe[CQE_QPN], qpnAndOpcode);
  put16(&cqe[CQE_COUNTER], counter);
  cqe[CQE_OPCODE] = static_cast<uint8_t>(opcode << 4);
  return cqe;
}

Cqe makeErrorCqe(CqeOpcode opcode, uint32_t userIndex, uint32_t qpnAndOpcode, uint16_t counter, Syndrome syndrome) {
  Cqe cqe = makeCqe(opcode, userIndex, qpnAndOpcode, counter);
  put64(&cqe[CQE_TIMESTAMP], syndrome); // an error has its syndromes where the time would be
  static_assert(CQE_SYNDROME == CQE_TIMESTAMP + 7, "the drawing in cqe.h");
  return cqe;
}

static void writeOne(Device& device, CompletionQueue& cq, const Cqe& cqe) {
  if (!hasRoom(device, cq, 1)) return;
  publish(cq, cq.producer, cqe, 0);
  produced(cq, 1, isError(cqe));
}

/**
 * A run of n: the first entry is the title, whole, with n as its byte count; mini entries of all n, the title's too, lie in entries 1, 8, 16 …
 * after it. The other entries of the run are left as they were.
 */
static void writeRun(Device& device, CompletionQueue& cq, const std::vector<Cqe>& session) {
  uint32_t n = static_cast<uint32_t>(session.size());
  if (!hasRoom(device, cq, n)) return;
  for (uint32_t first = 0; first < n; first += MINIS_PER_ENTRY) {
    uint8_t* entry = entryAt(cq, cq.producer + (first ? first : 1));
    for (uint32_t i = first; i < n && i < first + MINIS_PER_ENTRY; i++) putMini(entry + (i - first) * 8, session[i], cq.miniFormat);
  }
  Cqe title = session[0];
  put32(&title[CQE_BYTE_COUNT], n);
  publish(cq, cq.producer, title, CQE_COMPRESSED);
  produced(cq, n, false);
}

void finishSession(Device& device, CompletionQueue& cq) {
  if (cq.session.size() > 1) writeRun(device, cq, cq.session);
  if (cq.session.size() == 1) writeOne(device, cq, cq.session[0]);
  cq.session.clear();
}

void complete(Device& device, CompletionQueue& cq, const Cqe& cqe) {
  if (isDue(device.faults->dropCompletions, cq.written)) return;
  bool filler = cqe[CQE_OPCODE] >> 4 == CQE_RECEIVED && get32(&cqe[CQE_BYTE_COUNT]) & BYTE_COUNT_FILLER;
  if (!cq.compress || cq.entrySize != sizeof(Cqe) || isError(cqe) || filler) {
    finishSession(device, cq);
    return writeOne(device, cq, cqe);
  }
  uint32_t n = static_cast<uint32_t>(cq.session.size());
  bool full = n == std::min(LONGEST_SESSION, cq.entries - (cq.producer & (cq.entries - 1))); // a run does not cross the ring's end
  if (n && (full || !alike(cq, cq.session[0], cqe, n))) finishSession(device, cq);
  cq.session.push_back(cqe);
}

/** An arm word is a sequence number, "solicited only" and the consumer index from which on a completion is news. */
static void honourArm(CompletionQueue& cq, uint32_t word) {
  cq.lastArm = word;
  cq.armed = true;
  cq.armSolicited = word >> 24 & 1;
  uint32_t news = ahead(cq, word);
  if (news != 0 && news <= cq.entries && !cq.armSolicited) raiseEvent(cq);
}

void takeArms(Device& device) {
  std::vector<uint32_t> rung;
  for (auto& [cqn, cq] : device.completions) {
    volatile uint64_t* arm = cq->channel ? armRegister(device, cq->uarPage) : nullptr;
    if (arm && *arm && __atomic_exchange_n(arm, 0, __ATOMIC_ACQ_REL)) rung.push_back(cq->uarPage);
  }
  if (rung.empty()) return;
  // The register holds only the last of several that were rung in a row, so each CQ whose word is new was meant.
  for (auto& [cqn, cq] : device.completions) {
    if (!cq->channel) continue;
    uint32_t word = readRecord(&cq->doorbell[1]);
    for (uint32_t page : rung) {
      if (page == cq->uarPage && word != cq->lastArm) honourArm(*cq, word);
    }
  }
}

} // namespace emulator
