// Where a packet generator's stream takes its packets from: a template with ranges, or a capture file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "random.h"
#include "worker_memory.h"

constexpr uint32_t FRAME_MIN = 14, FRAME_MAX = CHAIN_MAX * abi::BUFFER_DATA;

struct GeneratedFrame {
  const uint8_t* bytes; // until the next call
  uint32_t length; // 0: there is none, and failure() says why
};

class PgSource {
 public:
  virtual ~PgSource() = default;
  /** The next packet is the first one again. */
  virtual void restart() = 0;
  virtual GeneratedFrame next() = 0;
  /** What stopped it; empty: nothing has. */
  const std::string& failure() const { return failure_; }

 protected:
  std::string failure_;
};

/** Values from … from + count - 1, counting up and around from packet to packet, or random. */
struct PgRange {
  uint32_t at = 0, bytes = 0; // where they stand in the packet, most significant byte first
  uint64_t from = 0, count = 1;
  bool random = false;
};

struct PgTemplateOptions {
  std::vector<uint8_t> bytes; // of the longest packet
  PgRange size;
  std::vector<PgRange> ranges;
  uint64_t seed = 0;
  // Offsets of what is filled in, 0: not there. The IPv4 header's length and checksum; the transport's checksum, and UDP's length.
  uint32_t ip = 0, transport = 0, checksum = 0;
};

class PgTemplate final : public PgSource {
 public:
  /** Gives null where the options do not fit each other. */
  static std::unique_ptr<PgTemplate> make(PgTemplateOptions options);
  void restart() override;
  GeneratedFrame next() override;

 private:
  explicit PgTemplate(PgTemplateOptions options);
  uint64_t pick(const PgRange& range);
  void fillIp(uint32_t size);
  void fillTransport(uint32_t size);
  void write16(uint32_t at, uint32_t value);

  PgTemplateOptions options_;
  std::vector<uint32_t> sums_; // sums_[n]: of the first n bytes, those of ranges, lengths and checksums taken as zero
  Random random_;
  uint64_t number_ = 0;
};

/** Replays a capture file from an index of its packets, a piece of the file in memory at a time. */
class PgReplay final : public PgSource {
 public:
  struct Entry {
    uint32_t gap; // bytes from the end of the packet before
    uint32_t length;
  };
  /** Takes the descriptor over; gives null where the index has no packet, or one of an impossible length. */
  static std::unique_ptr<PgReplay> make(int fd, std::vector<Entry> index);
  ~PgReplay() override;
  void restart() override;
  GeneratedFrame next() override;

 private:
  PgReplay(int fd, std::vector<Entry> index) : fd_(fd), index_(std::move(index)) {}
  bool load(uint64_t offset, uint32_t length);

  int fd_;
  std::vector<Entry> index_;
  size_t next_ = 0;
  uint64_t offset_ = 0; // of the end of the packet before
  std::vector<uint8_t> window_;
  uint64_t windowAt_ = 0; // its offset in the file
  size_t windowLength_ = 0;
};
