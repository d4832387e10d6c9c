// TCP header (RFC 9293, 3.1), as far as a router looks at it: how long it is.
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
