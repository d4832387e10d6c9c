// The ordinary way of a forwarded packet in one pass: what ethernet-input, ip4-input, ip4-lookup, ip4-rewrite and interface-output would
// do with it one after the other. A packet that is not ordinary in any respect goes to ethernet-input as it came.

import {
  ADJ_REWRITE, B_ADJ, B_DATA, B_FLAGS, B_FLAG_L3_GOOD, B_FLAG_L4_GOOD, B_GSO_SIZE, B_LENGTH, B_RX_IF, B_TX_IF, IF_FLAG_ADMIN_UP, IF_FLAG_LINK_UP,
  IF_MAC, LOOKUP_NEXT_REWRITE,
} from "../abi";
import {
  adjacencyAt, adjacencyMtu, adjacencyNext, adjacencyRewriteLength, adjacencyTxInterface, fibLookup, interfaceAt, interfaceFlags, interfaceTxSlot,
  mayBeOwn,
} from "../sdk/tables";
import { bufferAt, setNext } from "../sdk/vector";
import { SUM_INTACT, fold } from "../wire/checksum";
import { ETHERNET_HEADER } from "../wire/ethernet";
import { IP4_HEADER, isUnicast } from "../wire/ipv4";

/** Bytes 12 to 14 of the frame: type IPv4, then version 4 and a header of five words. */
const PLAIN_IP4: u32 = 0x450008;
const NEXT_ETHERNET_INPUT: u32 = 1;
const UP: u32 = IF_FLAG_ADMIN_UP | IF_FLAG_LINK_UP;

export function ip4Forward(node: usize, frame: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++) setNext(frame, i, forward(bufferAt(frame, i)));
}

// @ts-ignore: decorator
@inline
function forward(buffer: usize): u32 {
  const lengths = load<u64>(buffer, B_DATA); // data, here, total
  const packet = buffer + <usize>(lengths & 0xffff);
  const arrived = <u32>(lengths >> 32);
  if (<u32>load<u16>(buffer, B_LENGTH) != arrived) return NEXT_ETHERNET_INPUT; // a chain
  if ((load<u32>(packet, 12) & 0xffffff) != PLAIN_IP4) return NEXT_ETHERNET_INPUT;
  const rx: u32 = load<u16>(buffer, B_RX_IF);
  if ((load<u64>(packet) ^ load<u64>(interfaceAt(rx), IF_MAC)) << 16 != 0) return NEXT_ETHERNET_INPUT;
  if ((<u32>load<u16>(buffer, B_FLAGS) & ~<u32>(B_FLAG_L3_GOOD | B_FLAG_L4_GOOD)) | <u32>load<u16>(buffer, B_GSO_SIZE)) return NEXT_ETHERNET_INPUT;

  const header = packet + ETHERNET_HEADER;
  const first = load<u32>(header);
  const length = <u32>bswap<u16>(<u16>(first >> 16)) + ETHERNET_HEADER;
  if (length > arrived || length < ETHERNET_HEADER + IP4_HEADER) return NEXT_ETHERNET_INPUT;
  const ttl = load<u32>(header, 8); // checksum << 16 | protocol << 8 | TTL
  const from = load<u32>(header, 12);
  const to = load<u32>(header, 16);
  if (fold(<u64>first + <u64>load<u32>(header, 4) + <u64>ttl + <u64>from + <u64>to) != SUM_INTACT) return NEXT_ETHERNET_INPUT;
  if (!isUnicast(from)) return NEXT_ETHERNET_INPUT;
  if (mayBeOwn(from)) return NEXT_ETHERNET_INPUT;
  if (!isUnicast(to)) return NEXT_ETHERNET_INPUT;
  if ((ttl & 0xff) <= 1) return NEXT_ETHERNET_INPUT;

  const index = fibLookup(to);
  const entry = adjacencyAt(index);
  if (adjacencyNext(entry) != LOOKUP_NEXT_REWRITE) return NEXT_ETHERNET_INPUT;
  if (adjacencyRewriteLength(entry) != ETHERNET_HEADER) return NEXT_ETHERNET_INPUT;
  if (length > adjacencyMtu(entry) + ETHERNET_HEADER) return NEXT_ETHERNET_INPUT;
  const tx = adjacencyTxInterface(entry);
  const port = interfaceAt(tx);
  if ((interfaceFlags(port) & UP) != UP || tx == rx) return NEXT_ETHERNET_INPUT;

  store<u32>(header, ttl + 0xffff + (u32(ttl >= 0xfffe0000) << 16), 8);
  store<u64>(packet, load<u64>(entry, ADJ_REWRITE));
  store<u64>(packet, load<u64>(entry, ADJ_REWRITE + 6), 6);
  store<u64>(buffer, (lengths & 0xffff) | (<u64>length * 0x0000000100010000), B_DATA);
  store<u32>(buffer, tx | (<u32>lengths << 16), B_TX_IF); // and B_L2
  store<u16>(buffer, <u16>index, B_ADJ);
  return interfaceTxSlot(port) + 1;
}

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "ip4-forward",
  process: "ip4Forward",
  next: ["error-drop", "ethernet-input"],
  counters: [],
});
