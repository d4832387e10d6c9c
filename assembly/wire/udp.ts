// UDP header (RFC 768): ports, length and checksum, 16 bits each.

export const UDP_HEADER: u32 = 8;

/** Bytes of the datagram, header included. */
// @ts-ignore: decorator
@inline
export function udpLength(udp: usize): u32 { return bswap<u16>(load<u16>(udp, 4)); }

/** Whether the sender left the checksum out. */
// @ts-ignore: decorator
@inline
export function hasNoChecksum(udp: usize): bool { return load<u16>(udp, 6) == 0; }
export const UDP_CHECKSUM: u32 = 6;

/** `length` is that of header and data. */
// @ts-ignore: decorator
@inline
export function setUdpLength(udp: usize, length: u32): void { store<u16>(udp, bswap<u16>(<u16>length), 4); }
