// Takes the frames meant for the interface, by destination and type, and strips the Ethernet header.

import { B_DATA, B_FLAG_LINK_BROADCAST, B_L2 } from "../abi";
import { advance, flags, lengthHere, markEthernet, packetAt, rxInterface, setFlags } from "../sdk/buffer";
import { interfaceAt, interfaceMac } from "../sdk/tables";
import { ODD, bufferAt, drop, nextAt, setNext } from "../sdk/vector";
import { ETHERNET_HEADER, TYPE_ARP, TYPE_IP4, etherType, isGroup, sameMac, TYPE_VLAN, VLAN_TAG, isPriorityTag } from "../wire/ethernet";

/** What strips an Ethernet header when it is added to data, here and total (sdk/buffer.ts, advance()). */
const STRIP: u64 = 14 - (14 << 16) - (14 << 32);

const NEXT_ARP: u32 = 1;
const NEXT_IP4: u32 = 2;

const TOO_SHORT: u32 = 0;
const NOT_FOR_US: u32 = 1;
const UNKNOWN_TYPE: u32 = 2;
const IN_A_VLAN: u32 = 3;

export function ethernetInput(node: usize, frame: usize, n: u32): void {
  let slots: u32 = 0;
  for (let i: u32 = 0; i < n; i++) {
    const slot = ordinary(bufferAt(frame, i));
    setNext(frame, i, slot);
    slots |= slot;
  }
  if (slots == NEXT_IP4) return;
  for (let i: u32 = 0; i < n; i++) if (nextAt(frame, i) == ODD) setNext(frame, i, classify(node, bufferAt(frame, i)));
}

/** IPv4 in a frame to the interface's own address. */
// @ts-ignore: decorator
@inline
function ordinary(buffer: usize): u32 {
  const lengths = load<u64>(buffer, B_DATA); // data, here, total
  if ((<u32>lengths >> 16) < ETHERNET_HEADER) return ODD;
  const header = buffer + <usize>(lengths & 0xffff);
  if (etherType(header) != TYPE_IP4) return ODD;
  if ((load<u64>(header) ^ load<u64>(interfaceMac(interfaceAt(rxInterface(buffer))))) << 16 != 0) return ODD;
  store<u16>(buffer, <u16>lengths, B_L2);
  store<u64>(buffer, lengths + STRIP, B_DATA);
  return NEXT_IP4;
}

function classify(node: usize, buffer: usize): u32 {
  if (lengthHere(buffer) < ETHERNET_HEADER) return drop(node, TOO_SHORT);
  const header = packetAt(buffer);
  if (isGroup(header)) setFlags(buffer, flags(buffer) | B_FLAG_LINK_BROADCAST);
  else if (!sameMac(header, interfaceMac(interfaceAt(rxInterface(buffer))))) return drop(node, NOT_FOR_US);

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
  counters: ["frame too short", "destination not this interface", "unknown type", "in a VLAN"],
  trace: { layer: "ethernet" },
});
