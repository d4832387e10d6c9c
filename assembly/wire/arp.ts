// ARP for IPv4 over Ethernet (RFC 826). Constants are as little-endian loads find them.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-------------------------------+-------------------------------+
//   |         Hardware type         |         Protocol type         |
//   +---------------+---------------+-------------------------------+
//   | Hw addr. len. | Pr. addr. len.|           Operation           |
//   +---------------+---------------+-------------------------------+
//   |                 Sender hardware address                       |
//   +                               +-------------------------------+
//   |                               |   Sender protocol address ... |
//   +-------------------------------+-------------------------------+
//   |   ... its last two bytes      |   Target hardware address     |
//   +-------------------------------+                               +
//   |                                                               |
//   +---------------------------------------------------------------+
//   |                    Target protocol address                    |
//   +---------------------------------------------------------------+

export const ARP_PACKET: u32 = 28;
export const ARP_ETHERNET: u32 = 0x0100;
export const ARP_IP4: u32 = 0x0008;
/** Hardware addresses of 6 bytes, protocol addresses of 4. */
export const ARP_LENGTHS: u32 = 0x0406;
export const ARP_REQUEST: u32 = 0x0100;
export const ARP_REPLY: u32 = 0x0200;

// @ts-ignore: decorator
@inline
export function hardwareType(arp: usize): u32 { return load<u16>(arp); }

// @ts-ignore: decorator
@inline
export function protocolType(arp: usize): u32 { return load<u16>(arp, 2); }

/** Both address lengths. */
// @ts-ignore: decorator
@inline
export function addressLengths(arp: usize): u32 { return load<u16>(arp, 4); }

// @ts-ignore: decorator
@inline
export function operation(arp: usize): u32 { return load<u16>(arp, 6); }

/** Address of the sender's MAC address. */
// @ts-ignore: decorator
@inline
export function senderMac(arp: usize): usize { return arp + 8; }

// @ts-ignore: decorator
@inline
export function senderIp4(arp: usize): u32 { return load<u32>(arp, 14); }

/** Address of the target's MAC address. */
// @ts-ignore: decorator
@inline
export function targetMac(arp: usize): usize { return arp + 18; }

// @ts-ignore: decorator
@inline
export function targetIp4(arp: usize): u32 { return load<u32>(arp, 24); }

/** Turns a request into its reply (RFC 826, "Packet Reception"): sender and target change places, and the new sender is `mac`. */
export function makeReply(arp: usize, mac: usize): void {
  const asker = senderIp4(arp);
  const asked = targetIp4(arp);
  store<u32>(arp, load<u32>(arp, 8), 18);
  store<u16>(arp, load<u16>(arp, 12), 22);
  store<u32>(arp, asker, 24);
  store<u16>(arp, <u16>ARP_REPLY, 6);
  store<u32>(arp, load<u32>(mac), 8);
  store<u16>(arp, load<u16>(mac, 4), 12);
  store<u32>(arp, asked, 14);
}
