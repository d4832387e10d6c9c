// Nodes take packets several at a time where nothing is to be said of any of them: whatever vector a packet is in, and wherever, the same becomes
// of it as when it comes alone.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ADJ_BROADCAST, B_ADJ, B_CSUM_FLAGS, B_FLAGS, B_GSO_SIZE, B_LENGTH, B_RX_IF, B_TOTAL, B_TX_IF, LOOKUP_NEXT_LOCAL, LOOKUP_NEXT_REWRITE, VECTOR,
} from "../../assembly/abi.js";
import { sum } from "../conformance/packet.js";
import {
  type Packet, counters, fromHex, headerHex, packetHex, putPacket, reset, runFrame, setAdjacency, setInterface, setOwn, setRoute, toHex,
} from "./harness.js";

type Field = [number, 1 | 2 | 4, number];
interface Outcome { results: string[]; counted: Record<string, number> }

function runAll(node: string, packets: Packet[]): Outcome {
  tables();
  packets.forEach((packet, i) => putPacket(i, packet));
  const next = runFrame(node, packets.length);
  return { results: next.map((slot, i) => `${slot} ${packetHex(i)} ${headerHex(i)}`), counted: counters(node) };
}

function runEach(node: string, packets: Packet[]): Outcome {
  const alone = packets.map((packet) => runAll(node, [packet]));
  const counted: Record<string, number> = {};
  for (const one of alone) for (const [reason, count] of Object.entries(one.counted)) counted[reason] = (counted[reason] ?? 0) + count;
  return { results: alone.flatMap(({ results }) => results), counted };
}

function tables(): void {
  reset();
  setInterface(0, { mac: "02fe00000001", slot: 1 });
  setInterface(1, { mac: "02fe00000002", slot: 2 });
  setInterface(2, { mac: "02fe00000003", slot: 2, flags: 1 });
  setInterface(3, { mac: "02fe00000004", slot: 0 });
  const links = ["020000000002 02fe00000001 0800", "020000000003 02fe00000002 0800", "", "0102030405060708090a0b0c0d0e0f1011121314"];
  links.forEach((link, i) => {
    setAdjacency(5 + i, { next: LOOKUP_NEXT_REWRITE, tx: i, mtu: i === 1 ? 40 : 1500, rewrite: link.replace(/ /g, "") });
  });
  setAdjacency(10, { next: LOOKUP_NEXT_LOCAL });
  setAdjacency(11, { next: LOOKUP_NEXT_LOCAL, nextHop: ADJ_BROADCAST });
  setRoute("192.0.2.0/24", 5);
  setRoute("192.0.2.1/32", 10);
  setRoute("192.0.2.255/32", 11);
  for (const address of ["192.0.2.1", "192.0.2.255"]) setOwn(address);
}

/** Any of some packets, most of them the first one; sometimes a byte of it is another one, and sometimes its header's checksum is made anew then. */
function packets(headers: string[], l2: number, header: number, fields: Field[][]): fc.Arbitrary<Packet[]> {
  const one = fc.record({
    kind: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.nat(headers.length - 1) }),
    change: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.tuple(fc.nat(31), fc.nat(255), fc.boolean()) }),
    padding: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(9) }),
    set: fc.oneof({ weight: 4, arbitrary: fc.constant<Field[]>([]) }, { weight: 1, arbitrary: fc.constantFrom(...fields) }),
  });
  const make = ({ kind, change, padding, set }: (typeof one) extends fc.Arbitrary<infer T> ? T : never): Packet => {
    const bytes = [...fromHex(headers[kind]!), ...Array<number>(padding).fill(0)];
    if (change) {
      bytes[change[0] % bytes.length] = change[1];
      if (change[2] && bytes.length >= header + 20) {
        bytes.splice(header + 10, 2, 0, 0);
        const checksum = sum(Buffer.from(bytes.slice(header, header + 20))) ^ 0xffff;
        bytes.splice(header + 10, 2, checksum >> 8, checksum & 255);
      }
    }
    return { hex: toHex(Uint8Array.from(bytes)), l2, fields: set };
  };
  return fc.array(one, { minLength: 1, maxLength: 21 }).map((all) => all.map(make));
}

const plain = (text: string): string => text.replace(/ /g, "");
const FORWARDED = plain("45000020 12344000 4011 3c5c c0000202 c6336407 c0000035000c000077656674");
const ECHO = plain("45000020 12344000 4001 a4a5 c0000202 c0000201 080007f11234000177656674");
const ODD_ECHO = plain("4500001d 12344000 4001 a4a8 c0000202 c0000201 08006eca1234000177");
const OTHERS = [
  ECHO, ODD_ECHO, plain("46b80024 12344000 0301 dde8 c0000202 c0000201 01010100 080007f11234000177656674"), // options
  plain("45000020 12344000 0111 7b5c c0000202 c6336407 c0000035000c000077656674"), // TTL 1
  plain("45000020 12344000 4011 3c5d c0000201 c6336407 c0000035000c000077656674"), // an own address as the source
];
const CUT: Field[] = [[B_LENGTH, 2, 13], [B_TOTAL, 4, 13]]; // what is behind the end looks right
const RX: Field[] = [[B_RX_IF, 2, 1]];
const FLAGS: Field[][] = [1, 2, 4, 8].map((flags): Field[] => [[B_FLAGS, 2, flags]]);
const LINK = "0".repeat(28);
const ADJACENCY: Field = [B_ADJ, 2, 5];

const ethernetFrames = [
  "02fe00000001 020000000002 0800", "ffffffffffff 020000000002 0800", "02fe00000009 020000000002 0800", "02fe00000001 020000000002 0806",
  "02fe00000001 020000000002 8100 0000 0800", "02fe00000002 020000000002 0800",
].map((link) => plain(link) + FORWARDED);
const CASES: [node: string, packets: fc.Arbitrary<Packet[]>][] = [
  ["ethernet-input", packets([...ethernetFrames, "02fe000000010200000000", plain("02fe00000001 020000000002 0800")], 0, 14, [RX, CUT, ...FLAGS])],
  ["ip4-input", packets([FORWARDED, ...OTHERS, "4500"], 0, 0, FLAGS)],
  ["ip4-rewrite", packets([FORWARDED, ...OTHERS].map((packet) => LINK + packet), 14, 14, [
    ...[5, 6, 7, 8].map((index): Field[] => [[B_ADJ, 2, index]]), ...[1, 16, 17].map((flags): Field[] => [ADJACENCY, [B_FLAGS, 2, flags]]),
    [ADJACENCY, [B_GSO_SIZE, 2, 8]],
  ]).map((all) => all.map((packet) => (packet.fields!.length === 0 ? { ...packet, fields: [ADJACENCY] } : packet)))],
  ["interface-output", packets([FORWARDED], 0, 0, [1, 2, 3, 300].map((index): Field[] => [[B_TX_IF, 2, index]]))],
  ["ip4-local", packets([ECHO, ODD_ECHO, FORWARDED, ...OTHERS], 0, 0, [5, 10, 11].map((index): Field[] => [[B_ADJ, 2, index]]))],
  ["icmp4-input", packets([ECHO, ...OTHERS], 0, 0, [[[B_CSUM_FLAGS, 1, 2]], [[B_GSO_SIZE, 2, 8]], ...FLAGS])],
];

for (const [node, vectors] of CASES) {
  test(node, () => {
    fc.assert(fc.property(vectors, (all) => {
      assert.ok(all.length <= VECTOR);
      assert.equal(runAll(node, all), runEach(node, all));
    }), { numRuns: 100 });
  });
}

test.run();
