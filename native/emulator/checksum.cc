#include "checksum.h"

#include <algorithm>
#include <vector>

#include "bytes.h"
#include "packet.h"

namespace emulator {

uint64_t sumBytes(const uint8_t* at, uint32_t length, uint64_t sum) {
  // Four bytes at a time: 2^16 = 1 modulo 2^16 - 1, so a 32-bit word counts as its two halves.
  for (; length >= 4; at += 4, length -= 4) sum += get32(at);
  if (length >= 2) {
    sum += get16(at);
    at += 2;
    length -= 2;
  }
  if (length) sum += at[0] << 8;
  return sum;
}

uint16_t foldSum(uint64_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

uint64_t sumPseudoHeader(const Packet& packet, uint32_t l4Length) {
  const uint8_t* ip = packet.data + packet.l3;
  uint64_t sum = static_cast<uint64_t>(packet.protocol) + l4Length;
  return packet.ipVersion == 4 ? sumBytes(ip + 12, 8, sum) : sumBytes(ip + 8, 32, sum);
}

void writeChecksums(uint8_t* frame, uint32_t length, bool l3, bool l4) {
  Packet packet = parse(frame, length);
  if (l3 && packet.ipVersion == 4) {
    uint8_t* ip = frame + packet.l3;
    put16(ip + 10, 0);
    put16(ip + 10, foldSum(sumBytes(ip, (ip[0] & 15) * 4)) ^ 0xffff);
  }
  if (!l4 || !packet.l4) return;
  uint8_t* field = frame + packet.l4 + (packet.tcp() ? 16 : 6);
  uint32_t l4Length = packet.l3End - packet.l4;
  put16(field, 0);
  uint16_t sum = foldSum(sumBytes(frame + packet.l4, l4Length, sumPseudoHeader(packet, l4Length))) ^ 0xffff;
  put16(field, packet.udp() && sum == 0 ? 0xffff : sum); // zero says that there is no checksum (RFC 768)
}

/** Makes the copied headers those of the segment that carries `payload` bytes from `offset` on. */
static void fitHeaders(uint8_t* frame, const Packet& whole, uint32_t headers, uint32_t payload, uint32_t offset, uint32_t number, bool last) {
  uint8_t* ip = frame + whole.l3;
  uint32_t end = headers + payload;
  if (whole.ipVersion == 4) {
    put16(ip + 2, static_cast<uint16_t>(end - whole.l3));
    put16(ip + 4, static_cast<uint16_t>(get16(ip + 4) + number));
  } else {
    put16(ip + 4, static_cast<uint16_t>(end - whole.l3 - 40));
  }
  uint8_t* l4 = frame + whole.l4;
  if (whole.udp()) return put16(l4 + 4, static_cast<uint16_t>(end - whole.l4));
  put32(l4 + 4, get32(l4 + 4) + offset);
  if (!last) l4[13] &= ~0x09; // FIN and PSH belong to the last one
  if (number) l4[13] &= ~0x80; // CWR to the first
}

bool segment(const uint8_t* frame, uint32_t length, uint32_t headers, uint32_t size, const FrameHandler& handler) {
  if (headers < 14 || headers >= length || size == 0) return false;
  // A super-packet of 64 KiB and more has no true length in its IP header; only the headers are looked at.
  std::vector<uint8_t> out(frame, frame + headers);
  Packet whole = parse(out.data(), headers);
  uint32_t l3 = whole.etherType == ETHERTYPE_IPV4 || whole.etherType == ETHERTYPE_IPV6 ? 14 + (whole.vlan ? 4 : 0) : 0;
  if (l3 == 0 || l3 + 20 > headers) return false;
  // Tell the headers that they are alone, so that the parser finds TCP or UDP in them.
  if (whole.etherType == ETHERTYPE_IPV4) put16(&out[l3 + 2], static_cast<uint16_t>(headers - l3));
  else if (l3 + 40 <= headers) put16(&out[l3 + 4], static_cast<uint16_t>(headers - l3 - 40));
  whole = parse(out.data(), headers);
  if (!whole.l4) return false;
  std::vector<uint8_t> piece;
  uint32_t number = 0;
  for (uint32_t at = headers; at < length; number++) {
    uint32_t payload = std::min(size, length - at);
    piece.assign(out.begin(), out.end());
    piece.insert(piece.end(), frame + at, frame + at + payload);
    fitHeaders(piece.data(), whole, headers, payload, at - headers, number, at + payload == length);
    writeChecksums(piece.data(), static_cast<uint32_t>(piece.size()), true, true);
    handler(piece.data(), static_cast<uint32_t>(piece.size()));
    at += payload;
  }
  return true;
}

} // namespace emulator
