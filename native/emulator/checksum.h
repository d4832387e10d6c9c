// The Internet checksum (RFC 1071) and what the NIC does with it and with segments on behalf of the host.
#pragma once

#include <cstdint>
#include <functional>

#include "wire.h"

namespace emulator {

struct Packet;

/** Ones' complement sum of bytes as big-endian words; an odd last byte counts as a word's upper half. */
uint64_t sumBytes(const uint8_t* at, uint32_t length, uint64_t sum = 0);
uint16_t foldSum(uint64_t sum);

/** The sum over an IPv4 or IPv6 pseudo header (RFC 9293 3.1, RFC 8200 8.1). */
uint64_t sumPseudoHeader(const Packet& packet, uint32_t l4Length);

/** Computes the checksums of the IPv4 header, of TCP and of UDP anew, where the packet has them. */
void writeChecksums(uint8_t* frame, uint32_t length, bool l3, bool l4);

/** Cuts a TCP or UDP packet behind its headers into segments of at most `size` payload bytes, with complete checksums. False: not possible. */
bool segment(const uint8_t* frame, uint32_t length, uint32_t headers, uint32_t size, const FrameHandler& handler);

} // namespace emulator
