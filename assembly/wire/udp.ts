// UDP header (RFC 768): ports, length and checksum, 16 bits each.

export const UDP_HEADER: u32 = 8;
