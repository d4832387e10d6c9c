import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  BUFFER_START, B_CSUM_FLAGS, B_CSUM_OFFSET, B_CSUM_START, B_DATA, B_FLAGS, B_FLAG_L3_GOOD, B_FLAG_LOCAL, B_GSO_SIZE, B_L2, B_TX_IF,
  LOOKUP_NEXT_GLEAN, LOOKUP_NEXT_REWRITE,
} from "../../assembly/abi.js";
import { arp, ethernet } from "../graph/packets.js";
import { CHECKSUM_AT, type Datagram, TCP, UDP, bytesOfDatagram, unfinished, wrongChecksum } from "./datagrams.js";
import {
  type ExampleNode, type Outcome, type Packet, compileExample, fromHex, loadExample, resetTables, setAdjacency, setRoute, toHex, u16,
} from "./harness.js";
import { dissect } from "./tshark.js";

const CONFIG = { vni: 0xabcdef, local: "192.0.2.1", remote: "198.51.100.2", interface: "host-b" };
const NEAR = "02:00:00:00:00:01";
const FAR = "02:00:00:00:00:02";
const HEADERS = 36;
const nodes = loadExample(compileExample("vxlan"), CONFIG);
const vxlan = nodes["vxlan"]!;
const input = nodes["vxlan-input"]!;

test.before.each(() => {
  for (const node of [vxlan, input]) node.clear();
  vxlan.configure(CONFIG);
  resetTables();
  setAdjacency(1, { next: LOOKUP_NEXT_REWRITE, tx: 1, mtu: 1500 });
  setRoute("198.51.0.0/16", 1);
});

const DATAGRAM: Datagram = { protocol: UDP, from: { ip: "10.0.0.2", port: 1000 }, to: { ip: "10.0.0.3", port: 2000 }, payload: [1, 2, 3, 4] };
const frameOf = (datagram: Datagram): Uint8Array => ethernet(FAR, NEAR, 0x0800, bytesOfDatagram(datagram));
type Field = [number, 1 | 2 | 4, number];

/** A frame as a port delivers it: nothing has looked at it yet. */
function fresh(frame: Uint8Array, ...fields: Field[]): Packet {
  return { hex: toHex(frame), l2: 0, fields: [[B_L2, 2, 0], ...fields] };
}

function pass(node: ExampleNode, packet: Packet): Outcome {
  return node.send(packet)[0]!;
}

/** The frame within. */
const inner = ({ hex }: Outcome): string => hex.slice(2 * HEADERS);
const sourcePort = ({ hex }: Outcome): number => parseInt(hex.slice(40, 44), 16);

function expectDrop(node: ExampleNode, packet: Packet, reason: string): void {
  node.clear();
  assert.equal([pass(node, packet).next, node.counters()], ["error-drop", { [reason]: 1 }]);
}

test("a frame gets IPv4, UDP and VXLAN headers, byte by byte", () => {
  const frame = frameOf(DATAGRAM);
  const out = pass(vxlan, fresh(frame));
  assert.is(out.next, "ip4-lookup");
  const headers = "4500005200000000 40118e64 c0000201c6336402 PORT12b5003e0000 08000000abcdef00".replace(/ /g, "");
  assert.is(out.hex.replace(out.hex.slice(40, 44), "PORT"), headers + toHex(frame));
  assert.is(u16(0, B_FLAGS), B_FLAG_LOCAL);
  assert.equal(vxlan.counters(), { encapsulated: 1 });
  assert.is(pass(vxlan, fresh(frame)).hex.slice(8, 12), "0001", "numbered by identification");
});

test("TTL, DSCP, port and VNI are the configuration's", () => {
  vxlan.configure({ ...CONFIG, ttl: 9, dscp: 46, port: 8472, vni: 1 });
  const { hex } = pass(vxlan, fresh(frameOf(DATAGRAM)));
  assert.equal([hex.slice(2, 4), hex.slice(16, 18), hex.slice(44, 48), hex.slice(64, 72)], ["b8", "09", "2118", "00000100"]);
  assert.is(vxlan.configure({ ...CONFIG, remote: "239.1.1.1" }), 1);
  assert.is(vxlan.configure({ ...CONFIG, local: "0.0.0.0" }), 1);
});

test("tshark reads the frame in the tunnel, and finds nothing wrong with it", () => {
  const question = ethernet("ff:ff:ff:ff:ff:ff", NEAR, 0x0806, arp(1, { mac: NEAR, ip: "10.0.0.2" }, { mac: NEAR, ip: "10.0.0.3" }));
  const out = vxlan.send(...[frameOf(DATAGRAM), frameOf({ ...DATAGRAM, protocol: TCP }), question].map((frame) => fresh(frame)));
  const read = dissect(out.map(({ hex }) => fromHex(hex)), [
    "vxlan.vni", "vxlan.flags", "udp.dstport", "_ws.malformed", "ip.checksum.status", "udp.checksum.status", "tcp.checksum.status", "ip.dst",
    "arp.dst.proto_ipv4",
  ]);
  const [GOOD, NONE] = ["1", "3"];
  const none = { "_ws.malformed": [], "tcp.checksum.status": [], "arp.dst.proto_ipv4": [] };
  const tunnel = { ...none, "vxlan.vni": [String(0xabcdef)], "vxlan.flags": ["0x0800"] };
  const ip = { "ip.checksum.status": [GOOD, GOOD], "ip.dst": [CONFIG.remote, "10.0.0.3"] };
  assert.equal(read, [
    { ...tunnel, ...ip, "udp.dstport": ["4789", "2000"], "udp.checksum.status": [NONE, GOOD] },
    { ...tunnel, ...ip, "udp.dstport": ["4789"], "udp.checksum.status": [NONE], "tcp.checksum.status": [GOOD] },
    {
      ...tunnel, "udp.dstport": ["4789"], "udp.checksum.status": [NONE], "ip.checksum.status": [GOOD], "ip.dst": [CONFIG.remote],
      "arp.dst.proto_ipv4": ["10.0.0.3"],
    },
  ]);
});

test("a packet that has lost its Ethernet header gets it back", () => {
  const frame = toHex(frameOf(DATAGRAM));
  assert.is(inner(pass(vxlan, { hex: frame })), frame, "behind ip4-input");
  assert.is(inner(pass(vxlan, { hex: frame, l2: 0 })), frame, "marked, but not passed");
  assert.is(inner(pass(vxlan, { hex: frame, l2: 0, fields: [[B_L2, 2, BUFFER_START + 14]] })), frame, "a new one before it");
  expectDrop(vxlan, fresh(frameOf(DATAGRAM), [B_FLAGS, 2, B_FLAG_LOCAL]), "no Ethernet frame");
  expectDrop(vxlan, fresh(frameOf(DATAGRAM).slice(0, 13)), "no Ethernet frame");
});

test("the source port tells flows apart and is the same for all of one", () => {
  const port = (datagram: Datagram): number => sourcePort(pass(vxlan, fresh(frameOf(datagram))));
  assert.is(port(DATAGRAM), port({ ...DATAGRAM, payload: [9], ttl: 3 }));
  const ports = Array.from({ length: 2000 }, (_, i) => port({ ...DATAGRAM, from: { ip: `10.1.${i % 7}.2`, port: 1000 + i } }));
  assert.ok(ports.every((one) => one >= 49152 && one <= 65535));
  assert.ok(new Set(ports).size > 1800, `${new Set(ports).size} ports of 2000 flows`); // of 16,384, about 1880 differ
  const addresses = Array<number>(31).fill(1);
  const six = (last: number): Uint8Array => ethernet(FAR, NEAR, 0x86dd, [0x60, 0, 0, 0, 0, 4, 17, 64, ...addresses, last, 1, 2, 3, 4]);
  assert.not.equal(sourcePort(pass(vxlan, fresh(six(1)))), sourcePort(pass(vxlan, fresh(six(2)))));
  const other = (mac: string): Uint8Array => ethernet(mac, NEAR, 0x88cc, [1, 2, 3]);
  assert.not.equal(sourcePort(pass(vxlan, fresh(other(FAR)))), sourcePort(pass(vxlan, fresh(other(NEAR)))));
  // fragments have no ports: the first one goes the way of the others
  assert.is(port({ ...DATAGRAM, fragment: 0x2000 }), port({ ...DATAGRAM, fragment: 1, from: { ip: "10.0.0.2", port: 77 } }));
});

test("a checksum that was left to the device is made, over a chain too", () => {
  for (const protocol of [TCP, UDP]) {
    const datagram: Datagram = { ...DATAGRAM, protocol, payload: Array.from({ length: 101 }, (_, i) => i) };
    const frame = ethernet(FAR, NEAR, 0x0800, unfinished(bytesOfDatagram(datagram)));
    const packet = fresh(frame, [B_CSUM_FLAGS, 1, 1], [B_CSUM_START, 2, BUFFER_START + 34], [B_CSUM_OFFSET, 2, CHECKSUM_AT[protocol]!]);
    for (const pieces of [undefined, [60, frame.length - 60], [61, 20, frame.length - 81]]) {
      const out = pass(vxlan, { ...packet, ...(pieces && { pieces }) });
      assert.equal([inner(out), wrongChecksum(fromHex(inner(out)).slice(14))], [toHex(frameOf(datagram)), null]);
      assert.equal([u16(0, B_CSUM_FLAGS - 1) >> 8, parseInt(out.hex.slice(4, 8), 16)], [0, frame.length + HEADERS]);
    }
    const half = 34 + CHECKSUM_AT[protocol]! + 1;
    expectDrop(vxlan, { ...packet, pieces: [half, frame.length - half] }, "checksum to be made is not in the first buffer");
  }
});

test("a checksum that comes to 0 is written 0xffff: 0 would be none at all", () => {
  const bytes = bytesOfDatagram({ ...DATAGRAM, payload: [0, 0] });
  const zero: Datagram = { ...DATAGRAM, payload: [...bytes.slice(26, 28)] }; // what lacks to a sum of 0xffff
  const frame = ethernet(FAR, NEAR, 0x0800, unfinished(bytesOfDatagram(zero)));
  const out = pass(vxlan, fresh(frame, [B_CSUM_FLAGS, 1, 1], [B_CSUM_START, 2, BUFFER_START + 34], [B_CSUM_OFFSET, 2, 6]));
  assert.is(inner(out).slice(80, 84), "ffff");
});

test("a TCP checksum that comes to 0 is 0", () => {
  const of = (...payload: number[]): number[] => bytesOfDatagram({ ...DATAGRAM, protocol: TCP, payload });
  const zero = of(...of(0, 0).slice(36, 38)); // what lacks to a sum of 0xffff
  const frame = ethernet(FAR, NEAR, 0x0800, unfinished(zero));
  const out = pass(vxlan, fresh(frame, [B_CSUM_FLAGS, 1, 1], [B_CSUM_START, 2, BUFFER_START + 34], [B_CSUM_OFFSET, 2, 16]));
  assert.is(inner(out).slice(100, 104), "0000");
});

test("what cannot be done is dropped under a name", () => {
  const frame = frameOf(DATAGRAM);
  expectDrop(vxlan, fresh(frame, [B_GSO_SIZE, 2, 1448]), "super-packet: switch tso and gso off at the sender");
  expectDrop(vxlan, { ...fresh(frame), start: 64 + HEADERS - 1 }, "no headroom");
  assert.is(pass(vxlan, { ...fresh(frame), start: 64 + HEADERS }).next, "ip4-lookup");
});

test("the route's MTU is what the outer packet must keep to", () => {
  const frame = (length: number): Packet => fresh(ethernet(FAR, NEAR, 0x88b5, new Uint8Array(length - 14)));
  for (const next of [LOOKUP_NEXT_REWRITE, LOOKUP_NEXT_GLEAN]) {
    setAdjacency(1, { next, mtu: 1500 });
    assert.is(pass(vxlan, frame(1464)).next, "ip4-lookup");
    expectDrop(vxlan, frame(1465), "too long for the route to the far end");
  }
  resetTables(); // no route: ip4-lookup counts it
  assert.is(pass(vxlan, frame(1465)).next, "ip4-lookup");
});

/** What vxlan makes, as the far end of another vxlan-input sees it. */
function tunnelled(frame: Uint8Array, config: Record<string, unknown> = {}): string {
  vxlan.configure({ ...CONFIG, local: CONFIG.remote, remote: CONFIG.local, ...config });
  const { hex } = pass(vxlan, fresh(frame));
  vxlan.configure(CONFIG);
  return hex;
}

const arrived = (hex: string, ...fields: Field[]): Packet => ({ hex: "00".repeat(14) + hex, fields: [[B_FLAGS, 2, B_FLAG_L3_GOOD], ...fields] });

test("vxlan-input takes the frame out of its tunnel, and sends it to the interface", () => {
  const frame = frameOf(DATAGRAM);
  for (const trailer of ["", "000000"]) {
    const packet = arrived(tunnelled(frame) + trailer);
    const out = pass(input, packet);
    assert.equal([out.next, out.hex, u16(0, B_TX_IF), u16(0, B_FLAGS)], ["interface-output", toHex(frame), 2, 0]);
    assert.is(u16(0, B_L2), u16(0, B_DATA));
  }
  const [whole, long] = [tunnelled(frame), { ...arrived(tunnelled(frame)), pieces: [60, 22] }];
  assert.is(whole.length, 2 * 82);
  assert.is(pass(input, long).hex, toHex(frame), "a chain");
});

test("vxlan-input leaves everything else alone", () => {
  const frame = frameOf(DATAGRAM);
  const good = tunnelled(frame);
  const others = [
    tunnelled(frame, { vni: 4 }), tunnelled(frame, { port: 4790 }), tunnelled(frame, { local: "198.51.100.3" }),
    tunnelled(frame, { remote: "192.0.2.9" }),
    good.slice(0, 56) + "00" + good.slice(58), // no VNI
    good.slice(0, 12) + "2000" + good.slice(16), // a fragment
    good.slice(0, 18) + "06" + good.slice(20), // TCP
    good.slice(0, 70), // no whole VXLAN header
  ];
  for (const other of others) {
    const out = pass(input, arrived(other));
    assert.equal([out.next, out.hex], ["continue", other]);
  }
  assert.equal(input.counters(), {});
});

test("vxlan-input drops what is broken under a name", () => {
  const good = tunnelled(frameOf(DATAGRAM));
  for (const length of ["001d", "003f", "0000"]) expectDrop(input, arrived(good.slice(0, 48) + length + good.slice(52)), "malformed");
  expectDrop(input, { ...arrived(good), pieces: [49, 33] }, "malformed");
  expectDrop(input, arrived(good, [B_GSO_SIZE, 2, 1000]), "super-packet: switch tso and gso off at the far end");
});

test("vxlan-input keeps the frame's own checksum offload, not the tunnel's", () => {
  const good = tunnelled(frameOf(DATAGRAM));
  const flag = (start: number): number => {
    pass(input, arrived(good, [B_CSUM_FLAGS, 1, 1], [B_CSUM_START, 2, BUFFER_START + start], [B_CSUM_OFFSET, 2, 6]));
    return u16(0, B_CSUM_FLAGS - 1) >> 8;
  };
  assert.equal([flag(14 + HEADERS + 34), flag(34)], [1, 0]);
});

test.run();
