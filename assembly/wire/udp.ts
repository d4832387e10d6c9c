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
