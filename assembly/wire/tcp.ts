// TCP header (RFC 9293, 3.1), as far as a router looks at it: how long it is, how a closed port answers, and what differs in the segments of a
// super-packet.
//
//   0 ....... 3   4 ............ 11   12            13      14 ..... 15   16 ..... 17   18 ........ 19
//   +-----------+-------------------+-------------+-------+-------------+-------------+----------------+
//   | ports     | sequence, ack     | length >> 2 | flags | window      | checksum    | urgent pointer |
//   +-----------+-------------------+-------------+-------+-------------+-------------+----------------+

export const TCP_HEADER: u32 = 20;

/** Header length in bytes, options included. */
// @ts-ignore: decorator
@inline
export function tcpHeaderLength(tcp: usize): u32 { return (<u32>load<u8>(tcp, 12) >> 4) << 2; }

const FIN: u32 = 1;
const SYN: u32 = 2;
const RST: u32 = 4;
const ACK: u32 = 16;

// @ts-ignore: decorator
@inline
export function isReset(tcp: usize): bool { return (load<u8>(tcp, 13) & RST) != 0; }

/**
 * Turns a segment with `data` bytes into the answer of a closed port, a header without options (RFC 9293, 3.10.7.1): what was acknowledged
 * is its number, or all that came is acknowledged. The checksum is 0.
 */
export function makeReset(tcp: usize, data: u32): void {
  const flags: u32 = load<u8>(tcp, 13);
  const sequence = bswap<u32>(load<u32>(tcp, 4));
  const acknowledged = (flags & ACK) != 0;
  const occupied = data + u32((flags & SYN) != 0) + u32((flags & FIN) != 0);
  store<u32>(tcp, rotl<u32>(load<u32>(tcp), 16)); // the ports change places
  store<u32>(tcp, acknowledged ? load<u32>(tcp, 8) : 0, 4);
  store<u32>(tcp, acknowledged ? 0 : bswap<u32>(sequence + occupied), 8);
  store<u8>(tcp, <u8>(TCP_HEADER << 2), 12);
  store<u8>(tcp, <u8>(acknowledged ? RST : RST | ACK), 13);
  store<u16>(tcp, 0, 14);
  store<u32>(tcp, 0, 16);
}

// @ts-ignore: decorator
@inline
export function setTcpChecksum(tcp: usize, checksum: u32): void { store<u16>(tcp, <u16>checksum, 16); }
export const TCP_CHECKSUM: u32 = 16;

/**
 * Makes the header of a super-packet that of one of its segments, whose data begin `at` bytes after the first's: what ends the data (FIN,
 * PSH) is the last one's, that the congestion window was reduced (CWR, RFC 3168, 6.1.2) the first one's.
 */
export function setSegment(tcp: usize, at: u32, first: bool, last: bool): void {
  store<u32>(tcp, bswap<u32>(bswap<u32>(load<u32>(tcp, 4)) + at), 4);
  const FIN_PSH: u32 = 0x09;
  const CWR: u32 = 0x80;
  store<u8>(tcp, <u8>(<u32>load<u8>(tcp, 13) & ~(last ? 0 : FIN_PSH) & ~(first ? 0 : CWR)), 13);
}
