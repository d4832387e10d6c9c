// Takes the frames meant for the interface, by destination and type, and strips the Ethernet header. An interface that is set down takes none.

import { B_DATA, B_FLAG_LINK_BROADCAST, B_L2, IF_FLAG_ADMIN_UP } from "../abi";
import { advance, flags, lengthHere, markEthernet, packetAt, rxInterface, setFlags } from "../sdk/buffer";
import { interfaceAt, interfaceFlags, interfaceMac } from "../sdk/tables";
import { ODD, bufferAt, drop, nextAt, setFourNext, setNext } from "../sdk/vector";
import { ETHERNET_HEADER, TYPE_ARP, TYPE_IP4, etherType, isGroup, sameMac, TYPE_VLAN, VLAN_TAG, isPriorityTag } from "../wire/ethernet";

/** What strips an Ethernet header when it is added to data, here and total (sdk/buffer.ts, advance()). */
const STRIP: u64 = 14 - (14 << 16) - (14 << 32);

const NEXT_ARP: u32 = 1;
const NEXT_IP4: u32 = 2;

const TOO_SHORT: u32 = 0;
const NOT_FOR_US: u32 = 1;
const UNKNOWN_TYPE: u32 = 2;
const IN_A_VLAN: u32 = 3;
const ADMIN_DOWN: u32 = 4;

export function ethernetInput(node: usize, frame: usize, n: u32): void {
  let slots: u32 = NEXT_IP4;
  for (let i: u32 = 0; i < n; ) {
    if (i + 4 <= n && areOrdinary(frame + (<usize>i << 2))) {
      setFourNext(frame, i, NEXT_IP4);
      i += 4;
      continue;
    }
    for (const stop = min(i + 4, n); i < stop; i++) {
      const slot = ordinary(bufferAt(frame, i));
      setNext(frame, i, slot);
      slots |= slot;
    }
  }
  if (slots == NEXT_IP4) return;
  for (let i: u32 = 0; i < n; i++) if (nextAt(frame, i) == ODD) setNext(frame, i, classify(node, bufferAt(frame, i)));
}

/** Four packets that are all ordinary(), and came by one interface; `places`: where their indices stand in a frame. */
// @ts-ignore: decorator
@inline
function areOrdinary(places: usize): bool {
  const a = bufferAt(places, 0);
  const b = bufferAt(places, 1);
  const c = bufferAt(places, 2);
  const d = bufferAt(places, 3);
  const rowA = v128.load(a); // data, here, total
  const rowB = v128.load(b);
  const rowC = v128.load(c);
  const rowD = v128.load(d);
  const rx = rxInterface(a);
  const port = interfaceAt(rx);
  const wanted = i64x2(load<u64>(interfaceMac(port)), <u64>TYPE_IP4 << 32);
  const other = v128.or(
    v128.or(v128.xor(v128.load(packetAt(a)), wanted), v128.xor(v128.load(packetAt(b)), wanted)),
    v128.or(v128.xor(v128.load(packetAt(c)), wanted), v128.xor(v128.load(packetAt(d)), wanted)));
  if ((<u64>i64x2.extract_lane(other, 0) << 16 | <u64>i64x2.extract_lane(other, 1) >> 32 << 48) != 0) return false;
  const down = ~interfaceFlags(port) & IF_FLAG_ADMIN_UP;
  if (((rxInterface(b) ^ rx) | (rxInterface(c) ^ rx) | (rxInterface(d) ^ rx) | down) != 0) return false;
  const least = i16x8.min_u(i16x8.min_u(rowA, rowB), i16x8.min_u(rowC, rowD));
  if (<u32>i16x8.extract_lane_u(least, 1) < ETHERNET_HEADER) return false;
  strip(a, rowA);
  strip(b, rowB);
  strip(c, rowC);
  strip(d, rowD);
  return true;
}

// @ts-ignore: decorator
@inline
function strip(buffer: usize, row: v128): void {
  v128.store_lane<u16>(buffer, row, 0, B_L2);
  v128.store(buffer, i64x2.add(row, i64x2(STRIP, 0)));
}

/** IPv4 in a frame to the interface's own address. */
// @ts-ignore: decorator
@inline
function ordinary(buffer: usize): u32 {
  const lengths = load<u64>(buffer, B_DATA); // data, here, total
  if ((<u32>lengths >> 16) < ETHERNET_HEADER) return ODD;
  const header = buffer + <usize>(lengths & 0xffff);
  if (etherType(header) != TYPE_IP4) return ODD;
  const port = interfaceAt(rxInterface(buffer));
  if ((load<u64>(header) ^ load<u64>(interfaceMac(port))) << 16 != 0) return ODD;
  if ((interfaceFlags(port) & IF_FLAG_ADMIN_UP) == 0) return ODD;
  store<u16>(buffer, <u16>lengths, B_L2);
  store<u64>(buffer, lengths + STRIP, B_DATA);
  return NEXT_IP4;
}

function classify(node: usize, buffer: usize): u32 {
  const port = interfaceAt(rxInterface(buffer));
  if ((interfaceFlags(port) & IF_FLAG_ADMIN_UP) == 0) return drop(node, ADMIN_DOWN);
  if (lengthHere(buffer) < ETHERNET_HEADER) return drop(node, TOO_SHORT);
  const header = packetAt(buffer);
  if (isGroup(header)) setFlags(buffer, flags(buffer) | B_FLAG_LINK_BROADCAST);
  else if (!sameMac(header, interfaceMac(port))) return drop(node, NOT_FOR_US);

  markEthernet(buffer);
  const type = etherType(header);
  advance(buffer, ETHERNET_HEADER);
  if (type == TYPE_IP4) return NEXT_IP4;
  if (type == TYPE_ARP) return NEXT_ARP;
  return type == TYPE_VLAN ? untag(node, buffer, header) : drop(node, UNKNOWN_TYPE);
}

/** IEEE 802.1Q, 6.9: a priority-tagged frame is in no VLAN, so it is as good as an untagged one. */
function untag(node: usize, buffer: usize, header: usize): u32 {
  if (lengthHere(buffer) < VLAN_TAG) return drop(node, TOO_SHORT);
  if (!isPriorityTag(header)) return drop(node, IN_A_VLAN);
  const type = etherType(header + VLAN_TAG);
  advance(buffer, VLAN_TAG);
  if (type == TYPE_IP4) return NEXT_IP4;
  return type == TYPE_ARP ? NEXT_ARP : drop(node, UNKNOWN_TYPE);
}

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "ethernet-input",
  process: "ethernetInput",
  next: ["error-drop", "arp-input", "ip4-input"],
  counters: ["frame too short", "destination not this interface", "unknown type", "in a VLAN", "interface administratively down"],
  trace: { layer: "ethernet" },
});
