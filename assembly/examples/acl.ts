// An access list, as VPP's acl plugin or iptables' FORWARD chain: the first rule that matches a packet decides.
//
//    node load acl.wasm as acl config {"rules": [
//      {"action": "allow", "protocol": "tcp", "established": true},
//      {"action": "allow", "source": "10.1.0.0/16", "protocol": "tcp", "destinationPort": 443},
//      {"action": "reject", "protocol": "udp", "destinationPort": 1024, "destinationPortTo": 65535},
//      {"action": "allow", "protocol": "icmp", "icmpType": 8}], default: "deny"}
//    node insert acl after ip4-input on host-eth0          anywhere between ip4-input and ip4-rewrite
//    show node table acl rules                             what each rule has matched
//
// What a rule does not name matches anything; a port without "…To" is that port alone, port 0 is any port, icmpType 255 any type.
// reject answers "administratively prohibited" (RFC 1812, 5.2.7.1). Without rules and without a default everything may pass. A rule
// that stays where it was when the configuration changes keeps its counts. A refused configuration gives the number of the rule, from 1:
// it names ports, established or icmpType of a protocol that has none, or a range that ends before it begins.
//
// Only a packet's first fragment has ports. As in Linux, a later one passes by the rules that ask for ports, established or icmpType, and
// the next ones decide; and where such a rule's addresses and protocol match a packet whose transport header is not within the first
// buffer, or TCP at fragment offset 1, which could overwrite the flags (RFC 1858, 3 and 4), the packet is dropped.

import {
  NEXT_DROP, configCount, configItems, configU32, count, declareNode, drop, lengthHere, lengthTotal, packetAt, requestIcmp, state,
} from "../sdk";
import { ICMP_UNREACHABLE } from "../wire/icmp";
import { IP4_HEADER, PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP, headerLength, isLaterFragment, protocol, totalLength, version } from "../wire/ipv4";

const NEXT_CONTINUE: u32 = 1;
const NEXT_ICMP_ERROR: u32 = 2;
const PROHIBITED: u32 = 13;

const ALLOWED: u32 = 0; // + action
const ALLOWED_BY_DEFAULT: u32 = 3; // + action
const MALFORMED: u32 = 6;
const UNREADABLE_TRANSPORT: u32 = 7;

// Configuration: default action, then the rules. An item:
const CONFIG_RULES: usize = 4;
const ITEM_SIZE: usize = 48;
const ITEM_SOURCE: usize = 4; // address, mask
const ITEM_DESTINATION: usize = 12;
const ITEM_PROTOCOL: usize = 20;
const ITEM_SOURCE_PORT: usize = 24; // from, to
const ITEM_DESTINATION_PORT: usize = 32;
const ITEM_ESTABLISHED: usize = 40;
const ITEM_ICMP_TYPE: usize = 44;

// State: the rules as they are compared, ROW_SIZE bytes each
//
//    0           8        16         20       24            32                40         44       48        56
//   +-----------+--------+----------+--------+-------------+-----------------+----------+--------+---------+-------+
//   | addresses | masks  | protocol | asks   | source port | destination port| action   | number | packets | bytes |
//   +-----------+--------+----------+--------+-------------+-----------------+----------+--------+---------+-------+
//     source low, destination high             lowest, span  lowest, span
const ROW_SIZE: usize = 64;
const MASKS: usize = 8;
const PROTOCOL: usize = 16; // 0: any
const ASKS: usize = 20;
const FIRST_PORT: usize = 24; // ICMP: the type
const SECOND_PORT: usize = 32;
const ACTION: usize = 40;
const NUMBER: usize = 44;
const PACKETS: usize = 48;
const BYTES: usize = 56;
const RULES_MAX: usize = 256;
const ASKS_PORTS: u32 = 1;
const ASKS_ESTABLISHED: u32 = 2;
const ANY_PORT: u64 = 0xffff00000000;

// In place of the transport header's address
const IN_FIRST_FRAGMENT: usize = 0;
const UNREADABLE: usize = 1;

const PROTOCOL_SCTP: u32 = 132;
/** Numbers of the protocols as the configuration's enum has them, from icmp (the lowest byte) to sctp. */
const PROTOCOLS: u64 = 0x845933322f110601;
const ANY_ICMP_TYPE: u32 = 255;
const TCP_ACK_OR_RST: u32 = 0x14;

function judge(node: usize, buffer: usize): u32 {
  const header = packetAt(buffer);
  const skip = lengthHere(buffer) >= IP4_HEADER ? headerLength(header) : 0;
  const end = skip >= IP4_HEADER ? min<u32>(lengthHere(buffer), totalLength(header)) : 0;
  if (end < skip || skip == 0 || version(header) != 4) return drop(node, MALFORMED);

  const addresses = load<u64>(header, 12);
  const number = protocol(header);
  const transport = transportAt(header, skip, end);
  const rules = configCount(node, CONFIG_RULES);
  let row = state(node);
  for (let k: u32 = 0; k < rules; k++, row += ROW_SIZE) {
    if ((addresses & load<u64>(row, MASKS)) != load<u64>(row)) continue;
    const wanted = load<u32>(row, PROTOCOL);
    if (wanted != 0 && wanted != number) continue;
    const asks = load<u32>(row, ASKS);
    if (asks != 0) {
      if (transport == UNREADABLE) return drop(node, UNREADABLE_TRANSPORT);
      if (transport == IN_FIRST_FRAGMENT || !answers(transport, number, row, asks)) continue;
    }
    store<u64>(row, load<u64>(row, PACKETS) + 1, PACKETS);
    store<u64>(row, load<u64>(row, BYTES) + lengthTotal(buffer), BYTES);
    return act(node, buffer, ALLOWED, load<u32>(row, ACTION));
  }
  return act(node, buffer, ALLOWED_BY_DEFAULT, configU32(node, 0));
}

/** Address of the transport header when all that a rule may ask for lies in this buffer and in the packet. */
function transportAt(header: usize, skip: u32, end: u32): usize {
  const number = protocol(header);
  if (isLaterFragment(header)) {
    const offset = bswap<u16>(load<u16>(header, 6)) & 0x1fff;
    return offset == 1 && number == PROTOCOL_TCP ? UNREADABLE : IN_FIRST_FRAGMENT;
  }
  const needed: u32 = number == PROTOCOL_TCP ? 14 : 4;
  return end - skip >= needed ? header + skip : UNREADABLE;
}

/** Whether a packet's transport header is as a rule asks. */
function answers(transport: usize, number: u32, row: usize, asks: u32): bool {
  if ((asks & ASKS_ESTABLISHED) != 0 && (load<u8>(transport, 13) & TCP_ACK_OR_RST) == 0) return false;
  const first: u32 = number == PROTOCOL_ICMP ? <u32>load<u8>(transport) : <u32>bswap<u16>(load<u16>(transport));
  const second: u32 = bswap<u16>(load<u16>(transport, 2));
  return isWithin(first, row + FIRST_PORT) && isWithin(second, row + SECOND_PORT);
}

function isWithin(port: u32, range: usize): bool { return port - load<u32>(range) <= load<u32>(range, 4); }

/** Counts an action, as the configuration's enum has them, and takes it. */
function act(node: usize, buffer: usize, counter: u32, action: u32): u32 {
  count(node, counter + action);
  if (action == 0) return NEXT_CONTINUE;
  if (action == 1) return NEXT_DROP;
  requestIcmp(buffer, ICMP_UNREACHABLE, PROHIBITED);
  return NEXT_ICMP_ERROR;
}

export function configure(node: usize): i32 {
  const rules = <usize>configCount(node, CONFIG_RULES);
  const items = configItems(node, CONFIG_RULES);
  for (let k: usize = 0; k < rules; k++) if (!isSound(items + k * ITEM_SIZE)) return <i32>k + 1;
  for (let k: usize = 0; k < rules; k++) install(state(node) + k * ROW_SIZE, items + k * ITEM_SIZE, <u32>k + 1);
  for (let k = rules; k < RULES_MAX; k++) store<u32>(state(node) + k * ROW_SIZE, 0, NUMBER);
  return 0;
}

function isSound(item: usize): bool {
  const number = protocolNumber(item);
  if (namesPorts(item) && number != PROTOCOL_TCP && number != PROTOCOL_UDP && number != PROTOCOL_SCTP) return false;
  if (load<u32>(item, ITEM_ESTABLISHED) != 0 && number != PROTOCOL_TCP) return false;
  if (load<u32>(item, ITEM_ICMP_TYPE) != ANY_ICMP_TYPE && number != PROTOCOL_ICMP) return false;
  return portRange(item, ITEM_SOURCE_PORT) >> 32 < 0x10000 && portRange(item, ITEM_DESTINATION_PORT) >> 32 < 0x10000;
}

function namesPorts(item: usize): bool { return (load<u64>(item, ITEM_SOURCE_PORT) | load<u64>(item, ITEM_DESTINATION_PORT)) != 0; }

/** Writes a rule into its row; one that is what it was keeps its counts. */
function install(row: usize, item: usize, number: u32): void {
  const type = load<u32>(item, ITEM_ICMP_TYPE);
  const first = type != ANY_ICMP_TYPE ? <u64>type : portRange(item, ITEM_SOURCE_PORT);
  const second = portRange(item, ITEM_DESTINATION_PORT);
  const asks = (type != ANY_ICMP_TYPE || namesPorts(item) ? ASKS_PORTS : 0) | (load<u32>(item, ITEM_ESTABLISHED) != 0 ? ASKS_ESTABLISHED : 0);
  let same = replace(row, pair(load<u32>(item, ITEM_SOURCE), load<u32>(item, ITEM_DESTINATION)));
  same = replace(row + MASKS, pair(load<u32>(item, ITEM_SOURCE + 4), load<u32>(item, ITEM_DESTINATION + 4))) && same;
  same = replace(row + PROTOCOL, pair(protocolNumber(item), asks)) && same;
  same = replace(row + FIRST_PORT, first) && same;
  same = replace(row + SECOND_PORT, second) && same;
  same = replace(row + ACTION, pair(load<u32>(item), number)) && same;
  if (same) return;
  store<u64>(row, 0, PACKETS);
  store<u64>(row, 0, BYTES);
}

function replace(at: usize, value: u64): bool {
  const same = load<u64>(at) == value;
  store<u64>(at, value);
  return same;
}

function pair(low: u32, high: u32): u64 { return <u64>low | (<u64>high << 32); }

/** The lowest port, and above it how many more there are: beyond 65535 if the range ends before it begins. */
function portRange(item: usize, at: usize): u64 {
  const from = load<u32>(item + at);
  const to = load<u32>(item + at, 4);
  if (from == 0 && to == 0) return ANY_PORT;
  return pair(from, (to == 0 ? from : to) - from);
}

/** IANA's number of the protocol that the item names; 0: any. */
function protocolNumber(item: usize): u32 {
  const place = load<u32>(item, ITEM_PROTOCOL);
  return place == 0 ? 0 : <u32>(PROTOCOLS >> (8 * (place - 1))) & 0xff;
}

declareNode({
  name: "acl",
  packet: "judge",
  next: ["error-drop", "continue", "ip4-icmp-error"],
  counters: [
    "allowed by a rule", "denied by a rule", "rejected by a rule", "allowed by default", "denied by default", "rejected by default",
    "malformed IPv4 header", "transport header not readable",
  ],
  state: 16384,
  configure: "configure",
  config: {
    type: "object",
    properties: {
      default: { type: "string", enum: ["allow", "deny", "reject"], default: "allow" },
      rules: {
        type: "array",
        maxItems: 256,
        items: {
          type: "object",
          required: ["action"],
          properties: {
            action: { type: "string", enum: ["allow", "deny", "reject"] },
            source: { type: "string", format: "ipv4-prefix" },
            destination: { type: "string", format: "ipv4-prefix" },
            protocol: { type: "string", enum: ["any", "icmp", "tcp", "udp", "gre", "esp", "ah", "ospf", "sctp"] },
            sourcePort: { type: "integer", maximum: 65535 },
            sourcePortTo: { type: "integer", maximum: 65535 },
            destinationPort: { type: "integer", maximum: 65535 },
            destinationPortTo: { type: "integer", maximum: 65535 },
            established: { type: "boolean" },
            icmpType: { type: "integer", maximum: 255, default: 255 },
          },
        },
      },
    },
  },
  tables: [
    {
      name: "rules", at: 0, rows: 256, size: 64, used: 44,
      columns: [{ name: "rule", at: 44, type: "u32" }, { name: "packets", at: 48, type: "u64" }, { name: "bytes", at: 56, type: "u64" }],
    },
  ],
});
