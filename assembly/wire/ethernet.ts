// Ethernet II header (IEEE 802.3 clause 3.2): destination, source, type.
//
//   0 ............ 5   6 ............ 11   12 ... 13
//   +----------------+-------------------+----------+
//   | destination    | source            | type     |
//   +----------------+-------------------+----------+

export const ETHERNET_HEADER: u32 = 14;
// Types as a little-endian 16-bit load finds them
export const TYPE_IP4: u32 = 0x0008;
export const TYPE_ARP: u32 = 0x0608;
export const TYPE_VLAN: u32 = 0x0081;
/** Tag behind the addresses (IEEE 802.1Q, 9.3): this type, then 3 bits priority, 1 bit DEI, 12 bits VLAN identifier. */
export const VLAN_TAG: u32 = 4;

// @ts-ignore: decorator
@inline
export function etherType(header: usize): u32 {
  return load<u16>(header, 12);
}

/** Whether a tag behind a header of type VLAN gives the frame a priority only and puts it into no VLAN (identifier 0). */
// @ts-ignore: decorator
@inline
export function isPriorityTag(header: usize): bool {
  return (load<u16>(header, ETHERNET_HEADER) & 0xff0f) == 0;
}

/** Group bit of the destination: broadcast or multicast. */
// @ts-ignore: decorator
@inline
export function isGroup(header: usize): bool {
  return (load<u8>(header) & 1) != 0;
}

/** Whether two six-byte addresses are the same. */
// @ts-ignore: decorator
@inline
export function sameMac(a: usize, b: usize): bool {
  return load<u32>(a) == load<u32>(b) && load<u16>(a, 4) == load<u16>(b, 4);
}

// @ts-ignore: decorator
@inline
export function isZeroMac(mac: usize): bool {
  return (load<u32>(mac) | <u32>load<u16>(mac, 4)) == 0;
}

/** Writes a header: addresses from where they stand, `type` as a little-endian store wants it. */
export function writeHeader(header: usize, to: usize, from: usize, type: u32): void {
  store<u32>(header, load<u32>(to));
  store<u16>(header, load<u16>(to, 4), 4);
  store<u32>(header, load<u32>(from), 6);
  store<u16>(header, load<u16>(from, 4), 10);
  store<u16>(header, <u16>type, 12);
}
