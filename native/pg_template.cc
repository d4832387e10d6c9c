// Packets from a template: ranges are written into it, then its lengths and checksums are filled in.
//
// The Internet checksum is a sum (RFC 1071), so what never changes is added up once: per packet only the bytes of ranges are added.

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include "pg_source.h"

constexpr uint32_t IP4_HEADER = 20, IP4_LENGTH = 2, IP4_PROTOCOL = 9, IP4_CHECKSUM = 10, IP4_SOURCE = 12; // RFC 791 3.1
constexpr uint32_t UDP_LENGTH = 4; // RFC 768
constexpr uint32_t RANGE_BYTES_MAX = 6;

static uint16_t fold(uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

/** What a byte adds to a sum of 16-bit words: all headers begin at even offsets. */
static uint32_t weigh(uint32_t at, uint8_t byte) { return at & 1 ? byte : byte << 8; }

static uint32_t headerLength(const uint8_t* ip) { return (ip[0] & 15) * 4; }

std::unique_ptr<PgTemplate> PgTemplate::make(PgTemplateOptions options) {
  uint64_t longest = options.bytes.size(), shortest = options.size.from;
  bool sizes = shortest >= FRAME_MIN && shortest <= longest && longest <= FRAME_MAX;
  if (!sizes || options.size.count == 0 || shortest + options.size.count - 1 != longest) return nullptr;
  for (const PgRange& range : options.ranges) {
    bool within = range.bytes >= 1 && range.bytes <= RANGE_BYTES_MAX && static_cast<uint64_t>(range.at) + range.bytes <= shortest;
    if (!within || range.count == 0) return nullptr;
  }
  auto varies = [&](uint32_t at) {
    for (const PgRange& range : options.ranges) if (at >= range.at && at - range.at < range.bytes) return true;
    return false;
  };
  if (options.ip) {
    if (varies(options.ip) || varies(options.ip + IP4_PROTOCOL)) return nullptr; // they say where to write
    if (options.ip % 2 || static_cast<uint64_t>(options.ip) + IP4_HEADER > shortest) return nullptr;
    uint32_t end = options.ip + headerLength(&options.bytes[options.ip]);
    if (end < options.ip + IP4_HEADER || end > shortest) return nullptr;
    if (options.transport && (options.transport < end || options.transport % 2)) return nullptr;
  }
  if (options.transport) {
    bool udp = options.ip && options.bytes[options.ip + IP4_PROTOCOL] == IPPROTO_UDP;
    if (!options.ip || options.checksum % 2 || options.checksum < options.transport || static_cast<uint64_t>(options.checksum) + 2 > shortest ||
        (udp && options.transport + UDP_LENGTH + 2 > shortest)) {
      return nullptr;
    }
  }
  return std::unique_ptr<PgTemplate>(new PgTemplate(std::move(options)));
}

PgTemplate::PgTemplate(PgTemplateOptions options) : options_(std::move(options)), random_(options_.seed) {
  std::vector<uint8_t>& bytes = options_.bytes;
  for (const PgRange& range : options_.ranges) memset(&bytes[range.at], 0, range.bytes);
  if (!options_.transport) return;
  write16(options_.checksum, 0);
  if (bytes[options_.ip + IP4_PROTOCOL] == IPPROTO_UDP) write16(options_.transport + UDP_LENGTH, 0);
  sums_.resize(bytes.size() + 1);
  for (uint32_t i = 0; i < bytes.size(); i++) sums_[i + 1] = sums_[i] + weigh(i, bytes[i]);
}

void PgTemplate::restart() {
  number_ = 0;
  random_ = Random(options_.seed);
}

uint64_t PgTemplate::pick(const PgRange& range) {
  if (range.count == 1) return range.from;
  return range.from + (range.random ? random_.below(range.count) : number_ % range.count);
}

GeneratedFrame PgTemplate::next() {
  uint32_t size = static_cast<uint32_t>(pick(options_.size));
  for (const PgRange& range : options_.ranges) {
    uint64_t value = pick(range);
    for (uint32_t i = range.bytes; i > 0; value >>= 8) options_.bytes[range.at + --i] = static_cast<uint8_t>(value);
  }
  number_++;
  if (options_.ip) fillIp(size);
  if (options_.transport) fillTransport(size);
  return {options_.bytes.data(), size};
}

void PgTemplate::write16(uint32_t at, uint32_t value) {
  options_.bytes[at] = static_cast<uint8_t>(value >> 8);
  options_.bytes[at + 1] = static_cast<uint8_t>(value);
}

/** Total length and header checksum: RFC 791 3.1. */
void PgTemplate::fillIp(uint32_t size) {
  uint32_t ip = options_.ip, end = ip + headerLength(&options_.bytes[ip]);
  write16(ip + IP4_LENGTH, size - ip);
  write16(ip + IP4_CHECKSUM, 0);
  uint32_t sum = 0;
  for (uint32_t i = ip; i < end; i++) sum += weigh(i, options_.bytes[i]);
  write16(ip + IP4_CHECKSUM, static_cast<uint16_t>(~fold(sum)));
}

/** UDP's length and checksum (RFC 768), TCP's (RFC 9293 3.1), ICMP's (RFC 792): of the first two a pseudo-header is part. */
void PgTemplate::fillTransport(uint32_t size) {
  uint32_t ip = options_.ip, at = options_.transport, length = size - at;
  uint8_t protocol = options_.bytes[ip + IP4_PROTOCOL];
  uint64_t sum = sums_[size] - sums_[at];
  for (const PgRange& range : options_.ranges) {
    for (uint32_t i = range.at; i < range.at + range.bytes; i++) {
      if (i >= at) sum += weigh(i, options_.bytes[i]);
    }
  }
  if (protocol == IPPROTO_UDP) {
    write16(at + UDP_LENGTH, length);
    sum += length;
  }
  if (protocol != IPPROTO_ICMP) {
    for (uint32_t i = ip + IP4_SOURCE; i < ip + IP4_HEADER; i++) sum += weigh(i, options_.bytes[i]);
    sum += protocol + length;
  }
  uint16_t checksum = static_cast<uint16_t>(~fold(sum));
  if (checksum == 0 && protocol == IPPROTO_UDP) checksum = 0xffff; // RFC 768: zero would say that there is none
  write16(options_.checksum, checksum);
}
