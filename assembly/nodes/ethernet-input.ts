// Takes the frames meant for the interface, by destination and type, and strips the Ethernet header.

import { B_FLAG_LINK_BROADCAST } from "../abi";
import { advance, flags, lengthHere, markEthernet, packetAt, rxInterface, setFlags } from "../sdk/buffer";
import { interfaceAt, interfaceMac } from "../sdk/tables";
import { bufferAt, drop, setNext } from "../sdk/vector";
import { ETHERNET_HEADER, TYPE_ARP, TYPE_IP4, etherType, isGroup, sameMac } from "../wire/ethernet";

const NEXT_ARP: u32 = 1;
const NEXT_IP4: u32 = 2;

const TOO_SHORT: u32 = 0;
const NOT_FOR_US: u32 = 1;
const UNKNOWN_TYPE: u32 = 2;

export function ethernetInput(node: usize, frame: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++) setNext(frame, i, classify(node, bufferAt(frame, i)));
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
  return drop(node, UNKNOWN_TYPE);
}

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "ethernet-input",
  process: "ethernetInput",
  next: ["error-drop", "arp-input", "ip4-input"],
  counters: ["frame too short", "destination not this interface", "unknown type"],
  trace: { layer: "ethernet" },
});
