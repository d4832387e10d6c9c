// TCP header (RFC 9293, 3.1), as far as a router looks at it: how long it is, and what differs in the segments of a super-packet.
//
//   0 ....... 3   4 ............ 11   12              13 ............ 19
//   +-----------+-------------------+---------------+------------------+
//   | ports     | sequence, ack     | length >> 2   | flags …          |
//   +-----------+-------------------+---------------+------------------+

export const TCP_HEADER: u32 = 20;

/** Header length in bytes, options included. */
// @ts-ignore: decorator
@inline
export function tcpHeaderLength(tcp: usize): u32 { return (<u32>load<u8>(tcp, 12) >> 4) << 2; }

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
