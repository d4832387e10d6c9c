// UDP header (RFC 768): ports, length and checksum, 16 bits each.

export const UDP_HEADER: u32 = 8;
export const UDP_CHECKSUM: u32 = 6;

/** `length` is that of header and data. */
// @ts-ignore: decorator
@inline
export function setUdpLength(udp: usize, length: u32): void { store<u16>(udp, bswap<u16>(<u16>length), 4); }
