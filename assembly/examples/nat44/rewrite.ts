// Changes addresses and ports, and mends the checksums over them (RFC 1624). A "change" is the sum of each old word's complement and its
// new word: what a sum over them gains. It holds for every checksum that covers the words.

import { B_CSUM_FLAGS, B_CSUM_START } from "../../abi";
import { fold } from "../../wire/checksum";
import { PROTOCOL_ICMP, PROTOCOL_TCP } from "../../wire/ipv4";

/** Where they lie in an IPv4 header. */
export const SOURCE: usize = 12;
export const DESTINATION: usize = 16;
const HEADER_CHECKSUM: usize = 10;
const ICMP_CHECKSUM: usize = 2;
const TCP_CHECKSUM: usize = 16;
const UDP_CHECKSUM: usize = 6;
const NEEDS_CHECKSUM: u32 = 1; // linux/virtio_net.h

/** Puts an address (raw) into an IPv4 header at SOURCE or DESTINATION and mends the header's checksum; gives the address' change. */
export function replaceAddress(header: usize, which: usize, address: u32): u64 {
  const before = load<u32>(header + which);
  store<u32>(header + which, address);
  const change = <u64>~before + <u64>address;
  mend(header + HEADER_CHECKSUM, change);
  return change;
}

/** Puts a port where one is; gives its change. */
export function replacePort(at: usize, port: u32): u64 {
  const before: u32 = load<u16>(at);
  store<u16>(at, <u16>port);
  return <u64>((before ^ 0xffff) + port);
}

/** Mends a checksum; gives its own change, for one that covers it. */
export function mend(at: usize, change: u64): u64 {
  const before: u32 = load<u16>(at);
  const after = fold(<u64>(before ^ 0xffff) + change) ^ 0xffff;
  store<u16>(at, <u16>after);
  return <u64>((before ^ 0xffff) + after);
}

/** Mends the checksum of a TCP or UDP header or an ICMP query. */
export function mendTransport(buffer: usize, protocol: u32, transport: usize, addresses: u64, ports: u64): void {
  if (protocol == PROTOCOL_ICMP) {
    mend(transport + ICMP_CHECKSUM, ports); // there is no pseudo header (RFC 792)
    return;
  }
  const at = transport + (protocol == PROTOCOL_TCP ? TCP_CHECKSUM : UDP_CHECKSUM);
  if (isPartial(buffer, transport)) store<u16>(at, <u16>fold(<u64>load<u16>(at) + addresses));
  else if (protocol == PROTOCOL_TCP) mend(at, addresses + ports);
  else mendUdp(at, addresses + ports);
}

/**
 * The same of a header that an ICMP error quotes, `length` bytes of it: gives the change of the checksum. What a sender left to its device
 * (isPartial) cannot be told apart there; nobody checks it.
 */
export function mendQuoted(protocol: u32, transport: usize, length: u32, addresses: u64, ports: u64): u64 {
  if (protocol == PROTOCOL_ICMP) return mend(transport + ICMP_CHECKSUM, ports);
  if (protocol != PROTOCOL_TCP) return mendUdp(transport + UDP_CHECKSUM, addresses + ports);
  return length >= <u32>TCP_CHECKSUM + 2 ? mend(transport + TCP_CHECKSUM, addresses + ports) : 0;
}

/** RFC 768: 0 is no checksum and stays, a checksum of 0 is written 0xffff; to whatever covers it both are the same. */
function mendUdp(at: usize, change: u64): u64 {
  const before: u32 = load<u16>(at);
  if (before == 0) return 0;
  const mended = mend(at, change);
  if (load<u16>(at) == 0) store<u16>(at, 0xffff);
  return mended;
}

/**
 * Whether the sender left this checksum to its device, as Linux does on a veth pair and in every super-packet: then the field holds the
 * sum of the pseudo header alone, not complemented.
 */
function isPartial(buffer: usize, transport: usize): bool {
  return (load<u8>(buffer, B_CSUM_FLAGS) & NEEDS_CHECKSUM) != 0 && buffer + <usize>load<u16>(buffer, B_CSUM_START) == transport;
}
