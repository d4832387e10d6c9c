// Wires within the process: a cable to another emulated port, a packet generator, a sink.

#include "wire.h"

#include <ctime>

#include <deque>
#include <vector>

#include "bytes.h"
#include "checksum.h"

namespace emulator {

namespace {

/** One direction of a cable; what the receiver does not take in time is lost, as on a cable. */
struct Lane {
  static constexpr size_t CAPACITY = 4096;
  std::mutex lock;
  bool open = false; // there is a receiver
  std::deque<std::vector<uint8_t>> frames;

  void setOpen(bool now) {
    std::lock_guard<std::mutex> guard(lock);
    open = now;
    frames.clear();
  }
};

class Pair : public Wire {
 public:
  Pair(std::shared_ptr<Lane> in, std::shared_ptr<Lane> out) : in_(std::move(in)), out_(std::move(out)) { in_->setOpen(true); }
  ~Pair() override { in_->setOpen(false); }

  uint32_t receive(uint32_t max, const FrameHandler& handler) override {
    uint32_t n = 0;
    std::vector<uint8_t> frame;
    for (; n < max; n++) {
      {
        std::lock_guard<std::mutex> guard(in_->lock);
        if (in_->frames.empty()) break;
        frame = std::move(in_->frames.front());
        in_->frames.pop_front();
      }
      handler(frame.data(), static_cast<uint32_t>(frame.size()));
    }
    return n;
  }

  void transmit(const uint8_t* frame, uint32_t length) override {
    std::lock_guard<std::mutex> guard(out_->lock);
    if (out_->open && out_->frames.size() < Lane::CAPACITY) out_->frames.emplace_back(frame, frame + length);
  }

 private:
  std::shared_ptr<Lane> in_, out_;
};

class Sink : public Wire {
 public:
  uint32_t receive(uint32_t, const FrameHandler&) override { return 0; }
  void transmit(const uint8_t*, uint32_t) override {}
};

/** UDP from 198.18.0.0/17 to 198.18.128.0/17 (RFC 2544) with a number in the payload; what is sent to it is lost. */
class Generator : public Sink {
 public:
  Generator(const std::array<uint8_t, 6>& destination, uint64_t pps, uint32_t size) : pps_(pps), frame_(std::max(size, 60u)) {
    std::copy(destination.begin(), destination.end(), frame_.begin());
    frame_[6] = 0x02; // locally administered
    put16(&frame_[12], 0x0800);
    uint8_t* ip = &frame_[14];
    ip[0] = 0x45;
    put16(ip + 2, static_cast<uint16_t>(frame_.size() - 14));
    ip[8] = 64;
    ip[9] = 17;
    put16(ip + 20, 1024); // source port
    put16(ip + 22, 9); // discard
    put16(ip + 24, static_cast<uint16_t>(frame_.size() - 34));
  }

  uint32_t receive(uint32_t max, const FrameHandler& handler) override {
    uint32_t n = std::min<uint64_t>(due(), max);
    for (uint32_t i = 0; i < n; i++) {
      uint8_t* ip = &frame_[14];
      put32(ip + 12, 0xc6120000 | (sent_ & 0x7fff)); // 198.18.0.0
      put32(ip + 16, 0xc6128000 | (sent_ * 7 & 0x7fff));
      put16(ip + 10, 0);
      put16(ip + 10, foldSum(sumBytes(ip, 20)) ^ 0xffff);
      put64(&frame_[42], sent_++);
      handler(frame_.data(), static_cast<uint32_t>(frame_.size()));
    }
    return n;
  }

 private:
  uint64_t due() {
    if (pps_ == 0) return UINT64_MAX;
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t ns = now.tv_sec * 1000000000ull + now.tv_nsec;
    if (start_ == 0) start_ = ns;
    uint64_t wanted = static_cast<uint64_t>((ns - start_) / 1e9 * pps_);
    return wanted > sent_ ? wanted - sent_ : 0;
  }

  uint64_t pps_, sent_ = 0, start_ = 0;
  std::vector<uint8_t> frame_;
};

} // namespace

std::shared_ptr<Wire> openPair(uint32_t own, uint32_t other) {
  // Whichever end is opened first makes the lanes; they stay, so an end that is closed and opened again finds its cable.
  static std::mutex lock;
  static std::map<std::pair<uint32_t, uint32_t>, std::shared_ptr<Lane>> lanes; // by sender and receiver
  std::lock_guard<std::mutex> guard(lock);
  std::shared_ptr<Lane>& in = lanes[{other, own}];
  if (!in) in = std::make_shared<Lane>();
  std::shared_ptr<Lane>& out = lanes[{own, other}];
  if (!out) out = std::make_shared<Lane>();
  return std::make_shared<Pair>(in, out);
}

std::shared_ptr<Wire> openGenerator(const std::array<uint8_t, 6>& destination, uint64_t pps, uint32_t size) {
  return std::make_shared<Generator>(destination, pps, size);
}

std::shared_ptr<Wire> openSink() { return std::make_shared<Sink>(); }

std::shared_ptr<Wire> openWire(Device& device, std::string& error) {
  const std::string& spec = device.wireSpec;
  size_t colon = spec.find(':');
  std::string kind = spec.substr(0, colon), rest = colon == std::string::npos ? "" : spec.substr(colon + 1);
  if (kind == "netdev") return openNetdev(rest, error);
  if (kind == "pair") return openPair(device.index, static_cast<uint32_t>(std::stoul(rest)));
  if (kind == "sink") return openSink();
  size_t size = rest.find(':');
  uint32_t length = size == std::string::npos ? 60 : static_cast<uint32_t>(std::stoul(rest.substr(size + 1)));
  return openGenerator(device.mac, std::stoull(rest), length);
}

} // namespace emulator
