#include "outgoing.h"

#include <endian.h>
#include <netinet/in.h>

#include <cstring>

// Virtio 1.2, 5.1.6: the kinds of super-packet. A mark says that TCP's CWR was set, which every segment then repeats.
constexpr uint8_t GSO_TCP4 = 1, GSO_TCP6 = 4, GSO_ECN = 0x80;
constexpr uint32_t TAG = 4;
constexpr uint32_t TCP_CHECKSUM = 16, UDP_CHECKSUM = 6; // RFC 9293 3.1, RFC 768

uint32_t Outgoing::read(const WorkerMemory& memory, uint32_t index) {
  if (uint32_t counter = readChain(memory, index)) return counter;
  return readOffloads(memory);
}

uint32_t Outgoing::readChain(const WorkerMemory& memory, uint32_t index) {
  pieceCount = bufferCount = 0;
  uint32_t left = total = memory.read<uint32_t>((index << abi::BUFFER_SHIFT) + abi::B_TOTAL);
  if (total < ETH_HLEN) return abi::IFC_TX_ERROR;
  while (index != 0) {
    uint32_t buffer = memory.usedBufferAt(index);
    if (!buffer && left == 0) {
      memory.countBadBuffer(); // the packet is whole all the same
      return 0;
    }
    if (!buffer || bufferCount == CHAIN_MAX) return abi::IFC_TX_ERROR;
    uint32_t data = memory.read<uint16_t>(buffer + abi::B_DATA), held = memory.read<uint16_t>(buffer + abi::B_LENGTH);
    if (data < abi::BUFFER_ALIGN || data + held > abi::BUFFER_SIZE) return abi::IFC_TX_ERROR;
    uint32_t here = held < left ? held : left;
    if (here) pieces[pieceCount++] = {buffer + data, here};
    buffers[bufferCount++] = buffer;
    left -= here;
    index = memory.read<uint32_t>(buffer + abi::B_NEXT);
  }
  return left == 0 ? 0 : abi::IFC_TX_ERROR;
}

static uint16_t wordAt(const uint8_t* at) { return static_cast<uint16_t>(at[0] << 8 | at[1]); }

/** Where a NIC's parser finds TCP or UDP, and which; 0 where it does not look: fragments, extension headers, other protocols. */
static uint32_t transportAt(const uint8_t* packet, uint32_t held, uint8_t* protocol) {
  uint32_t network = ETH_HLEN;
  if (held < ETH_HLEN + 2 * TAG + 40) return 0;
  uint16_t type = wordAt(packet + ETH_HLEN - 2);
  for (int i = 0; i < 2 && (type == ETH_P_8021Q || type == ETH_P_8021AD); i++, network += TAG) type = wordAt(packet + network + 2);
  const uint8_t* header = packet + network;
  if (type == ETH_P_IP && !(wordAt(header + 6) & 0x3fff)) { // neither offset nor "more fragments", RFC 791 3.1
    *protocol = header[9];
    return network + (header[0] & 15) * 4;
  }
  if (type != ETH_P_IPV6) return 0;
  *protocol = header[6];
  return network + 40;
}

uint32_t Outgoing::readOffloads(const WorkerMemory& memory) {
  checksum = false;
  segment = headers = 0;
  uint32_t first = buffers[0], held = pieces[0].length;
  uint32_t size = memory.read<uint16_t>(first + abi::B_GSO_SIZE);
  if (!(memory.read<uint8_t>(first + abi::B_CSUM_FLAGS) & NEEDS_CHECKSUM)) return size ? abi::IFC_TX_ERROR : 0;
  uint32_t start = memory.read<uint16_t>(first + abi::B_CSUM_START) - (pieces[0].at - first);
  uint32_t offset = memory.read<uint16_t>(first + abi::B_CSUM_OFFSET);
  if (start > held || offset > held || start + offset + 2 > held) return abi::IFC_TX_ERROR;

  uint8_t protocol = 0;
  const uint8_t* packet = memory.base + pieces[0].at;
  bool found = transportAt(packet, held, &protocol) == start;
  bool tcp = found && protocol == IPPROTO_TCP && offset == TCP_CHECKSUM;
  checksum = tcp || (found && protocol == IPPROTO_UDP && offset == UDP_CHECKSUM);
  if (size) {
    uint8_t type = memory.read<uint8_t>(first + abi::B_GSO_TYPE) & ~GSO_ECN;
    if (!tcp || (type != GSO_TCP4 && type != GSO_TCP6)) return abi::IFC_TX_TOO_LONG;
    uint32_t all = start + (packet[start + 12] >> 4) * 4;
    if (all < start + 20 || all > held || all > HEADERS_MAX) return abi::IFC_TX_ERROR;
    segment = size;
    headers = all;
  } else if (!checksum) {
    finishChecksum(memory, start, offset);
  }
  return 0;
}

/** RFC 1071; the checksum's own field holds the sum over the pseudo header. */
void Outgoing::finishChecksum(const WorkerMemory& memory, uint32_t start, uint32_t offset) const {
  uint64_t sum = 0;
  bool odd = false; // a piece may end in the middle of a 16-bit word
  for (uint32_t i = 0, skip = start; i < pieceCount; i++, skip = 0) {
    const uint8_t* bytes = memory.base + pieces[i].at;
    for (uint32_t k = skip; k < pieces[i].length; k++, odd = !odd) sum += odd ? bytes[k] : bytes[k] << 8;
  }
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  uint16_t folded = static_cast<uint16_t>(~sum);
  uint16_t stored = htobe16(folded ? folded : 0xffff); // zero means "no checksum" to UDP
  memcpy(memory.base + pieces[0].at + start + offset, &stored, sizeof stored);
}

void Outgoing::copyStart(const WorkerMemory& memory, uint8_t* to, uint32_t count) const {
  for (uint32_t i = 0; count > 0; i++) {
    uint32_t here = pieces[i].length < count ? pieces[i].length : count;
    memcpy(to, memory.base + pieces[i].at, here);
    to += here;
    count -= here;
  }
}
