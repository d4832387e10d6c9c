// The fields of a buffer's header, by name. `buffer` is an address, as bufferAt gives it.

import {
  B_ADJ, B_CSUM_FLAGS, B_DATA, B_FLAGS, B_FLAG_L4_GOOD, B_GSO_SIZE, B_ICMP, B_ICMP_DATA, B_L2, B_LENGTH, B_PUNT, B_RX_IF,
  B_TOTAL, B_TX_IF, BUFFER_ALIGN,
} from "../abi";

// Values of B_CSUM_FLAGS: VIRTIO_NET_HDR_F_*
const NEEDS_CHECKSUM: u32 = 1;
const CHECKSUM_VALID: u32 = 2;

/** Address of the current layer's first byte. */
// @ts-ignore: decorator
@inline
export function packetAt(buffer: usize): usize { return buffer + <usize>load<u16>(buffer, B_DATA); }

/** Bytes of the current layer that lie in this buffer: what may be read at packetAt. */
// @ts-ignore: decorator
@inline
export function lengthHere(buffer: usize): u32 { return load<u16>(buffer, B_LENGTH); }

/** Bytes of the packet from the current layer on, over the whole chain. */
// @ts-ignore: decorator
@inline
export function lengthTotal(buffer: usize): u32 { return load<u32>(buffer, B_TOTAL); }

// @ts-ignore: decorator
@inline
export function flags(buffer: usize): u32 { return load<u16>(buffer, B_FLAGS); }

// @ts-ignore: decorator
@inline
export function setFlags(buffer: usize, value: u32): void { store<u16>(buffer, <u16>value, B_FLAGS); }

/** Software interface index of the interface that received the packet. */
// @ts-ignore: decorator
@inline
export function rxInterface(buffer: usize): u32 { return load<u16>(buffer, B_RX_IF); }

/** Software interface index of the interface that is to send the packet. */
// @ts-ignore: decorator
@inline
export function txInterface(buffer: usize): u32 { return load<u16>(buffer, B_TX_IF); }

// @ts-ignore: decorator
@inline
export function setTxInterface(buffer: usize, index: u32): void { store<u16>(buffer, <u16>index, B_TX_IF); }

/** Address of the Ethernet header that the packet came with. */
// @ts-ignore: decorator
@inline
export function ethernetAt(buffer: usize): usize { return buffer + <usize>load<u16>(buffer, B_L2); }

/** Marks the current layer as the Ethernet header. */
// @ts-ignore: decorator
@inline
export function markEthernet(buffer: usize): void { store<u16>(buffer, load<u16>(buffer, B_DATA), B_L2); }

/** Index of the adjacency that ip4-lookup chose. */
// @ts-ignore: decorator
@inline
export function adjacency(buffer: usize): u32 { return load<u16>(buffer, B_ADJ); }

// @ts-ignore: decorator
@inline
export function setAdjacency(buffer: usize, index: u32): void { store<u16>(buffer, <u16>index, B_ADJ); }

/**
 * Strips (by > 0) or uncovers (by < 0) header bytes; the caller knows that they are there. B_DATA, B_LENGTH and B_TOTAL are
 * the low 16, next 16 and high 32 bits of one word, and none of them over- or underflows, so one addition moves all three.
 */
// @ts-ignore: decorator
@inline
export function advance(buffer: usize, by: i32): void {
  const step = <i64>by;
  store<u64>(buffer, load<u64>(buffer, B_DATA) + <u64>(step - (step << 16) - (step << 32)), B_DATA);
}

/** Bytes that headers may still be put before the current layer in. */
// @ts-ignore: decorator
@inline
export function headroom(buffer: usize): u32 { return <u32>load<u16>(buffer, B_DATA) - BUFFER_ALIGN; }

/**
 * Cuts the packet to `length` bytes from the current layer on; it is at least that long. Buffers of the
 * chain that fall behind the end stay linked and return to the pool with the packet.
 */
// @ts-ignore: decorator
@inline
export function truncate(buffer: usize, length: u32): void {
  if (<u32>load<u16>(buffer, B_LENGTH) > length) store<u16>(buffer, <u16>length, B_LENGTH);
  store<u32>(buffer, length, B_TOTAL);
}

/** Payload bytes of each segment of a super-packet that the sender left for the device to cut; 0: an ordinary packet. */
// @ts-ignore: decorator
@inline
export function segmentSize(buffer: usize): u32 { return load<u16>(buffer, B_GSO_SIZE); }

/** Whether the TCP or UDP checksum needs no check: the device made it, or the sender left it for the device to fill in. */
// @ts-ignore: decorator
@inline
export function isTransportGood(buffer: usize): bool {
  return (load<u16>(buffer, B_FLAGS) & B_FLAG_L4_GOOD) != 0 || (load<u8>(buffer, B_CSUM_FLAGS) & (NEEDS_CHECKSUM | CHECKSUM_VALID)) != 0;
}

/** Forgets offloads asked for by the sender: the packet was rewritten and is complete. */
// @ts-ignore: decorator
@inline
export function clearOffloads(buffer: usize): void {
  store<u32>(buffer, 0, B_GSO_SIZE); // size, type and checksum flags
}

/** What ip4-icmp-error is to send: type, code, and the error's second word (host order). */
// @ts-ignore: decorator
@inline
export function requestIcmp(buffer: usize, type: u32, code: u32, data: u32 = 0): void {
  store<u16>(buffer, <u16>((type << 8) | code), B_ICMP);
  store<u32>(buffer, data, B_ICMP_DATA);
}

/** (type << 8) | code of the error to send. */
// @ts-ignore: decorator
@inline
export function requestedIcmp(buffer: usize): u32 { return load<u16>(buffer, B_ICMP); }

// @ts-ignore: decorator
@inline
export function requestedIcmpData(buffer: usize): u32 { return load<u32>(buffer, B_ICMP_DATA); }

/** Says why the packet goes to the host: PUNT_*. */
// @ts-ignore: decorator
@inline
export function setPunt(buffer: usize, reason: u32): void { store<u16>(buffer, <u16>reason, B_PUNT); }
