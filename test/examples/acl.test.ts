import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { B_ICMP, VECTOR } from "../../assembly/abi.js";
import { type Packet, loadExample, resetTables, u16 } from "./harness.js";

const { acl } = loadExample("acl");

interface Rule {
  action: "allow" | "deny" | "reject";
  source?: string;
  destination?: string;
  protocol?: string;
  sourcePort?: number;
  sourcePortTo?: number;
  destinationPort?: number;
  destinationPortTo?: number;
  established?: boolean;
  icmpType?: number;
}

/** From 192.0.2.2 to 10.1.2.3; a SYN from port 40000 to 80. */
const SYN = "45000028 00004000 40060000 c0000202 0a010203  9c400050 00000001 00000000 50020400 00000000";
const ACK = SYN.replace("50020400", "50100400");
/** The same way: port 53 to 1024; type 8. */
const UDP = "4500001c 00004000 40110000 c0000202 0a010203  00350400 00080000";
const ECHO = "4500001c 00004000 40010000 c0000202 0a010203  08000000 00000001";

test.before.each(() => {
  resetTables();
  acl.clear();
  acl.configure({});
});

const next = (hex: string, more: Partial<Packet> = {}): string | number => acl.pass({ hex, l2: 0, ...more }).next;

test("without a configuration every packet goes on as it came", () => {
  for (const hex of [SYN, ACK, UDP, ECHO]) {
    assert.equal(acl.send({ hex, l2: 0 }), [{ next: "continue", copy: null, hex: hex.replace(/ /g, "") }]);
  }
  assert.equal(acl.counters(), { "allowed by default": 4 });
});

test("what a rule names must all be so, and what it does not name may be anything", () => {
  const verdicts: [rule: Omit<Rule, "action">, hex: string, matches: boolean][] = [
    [{}, ECHO, true],
    [{ source: "192.0.2.0/24" }, SYN, true],
    [{ source: "192.0.3.0/24" }, SYN, false],
    [{ source: "10.1.2.3/32" }, SYN, false], // the destination's address
    [{ destination: "10.1.2.3/32" }, SYN, true],
    [{ destination: "10.1.2.2/32" }, SYN, false],
    [{ source: "0.0.0.0/0", destination: "10.0.0.0/8" }, UDP, true],
    [{ source: "192.0.2.0/24", destination: "11.0.0.0/8" }, UDP, false],
    [{ protocol: "tcp" }, SYN, true],
    [{ protocol: "tcp" }, UDP, false],
    [{ protocol: "any" }, UDP, true],
    [{ protocol: "tcp", destinationPort: 80 }, SYN, true],
    [{ protocol: "tcp", destinationPort: 81 }, SYN, false],
    [{ protocol: "tcp", sourcePort: 80 }, SYN, false],
    [{ protocol: "tcp", sourcePort: 40000 }, SYN, true],
    [{ protocol: "udp", destinationPort: 1024, destinationPortTo: 65535 }, UDP, true],
    [{ protocol: "udp", destinationPort: 1000, destinationPortTo: 1024 }, UDP, true],
    [{ protocol: "udp", destinationPort: 1025, destinationPortTo: 65535 }, UDP, false],
    [{ protocol: "udp", destinationPortTo: 1023 }, UDP, false],
    [{ protocol: "udp", sourcePortTo: 1023 }, UDP, true],
    [{ protocol: "tcp", established: true }, SYN, false],
    [{ protocol: "tcp", established: true }, ACK, true],
    [{ protocol: "tcp", established: true }, SYN.replace("50020400", "50040400"), true], // RST
    [{ protocol: "tcp", established: true, destinationPort: 81 }, ACK, false],
    [{ protocol: "tcp", established: false }, SYN, true],
    [{ protocol: "icmp", icmpType: 8 }, ECHO, true],
    [{ protocol: "icmp", icmpType: 0 }, ECHO, false],
    [{ protocol: "icmp", icmpType: 0 }, ECHO.replace("08000000", "00080000"), true],
  ];
  for (const [rule, hex, matches] of verdicts) {
    assert.is(acl.configure({ rules: [{ action: "deny", ...rule }] }), 0);
    assert.is(next(hex), matches ? "error-drop" : "continue", JSON.stringify([rule, hex]));
  }
});

test("every protocol has its number", () => {
  const numbers = { icmp: 1, tcp: 6, udp: 17, gre: 47, esp: 50, ah: 51, ospf: 89, sctp: 132 };
  for (const [protocol, number] of Object.entries(numbers)) {
    acl.configure({ rules: [{ action: "deny", protocol }] });
    const packets = Array.from({ length: 256 }, (_, i) => ({ hex: UDP.replace("40110000", `40${i.toString(16).padStart(2, "0")}0000`), l2: 0 }));
    assert.equal(acl.send(...packets).flatMap((outcome, i) => (outcome.next === "error-drop" ? [i] : [])), [number], protocol);
  }
});

test("the first rule that matches decides; each counts what it matched", () => {
  acl.configure({
    rules: [
      { action: "deny", protocol: "tcp", destinationPort: 22 },
      { action: "allow", source: "192.0.2.2/32", protocol: "tcp" },
      { action: "deny", source: "192.0.2.0/24" },
    ],
    default: "reject",
  });
  const other = (hex: string): string => hex.replace("c0000202", "c6336401");
  assert.equal([SYN.replace("9c400050", "9c400016"), SYN, UDP, ECHO, other(SYN)].map((hex) => next(hex)),
    ["error-drop", "continue", "error-drop", "error-drop", "ip4-icmp-error"]);
  assert.is(next(SYN, { pieces: [34, 6] }), "continue");
  assert.equal(acl.rows("rules"), [
    { rule: 1, packets: 1, bytes: 40 },
    { rule: 2, packets: 2, bytes: 80 },
    { rule: 3, packets: 2, bytes: 56 },
  ]);
  assert.equal(acl.counters(), { "allowed by a rule": 2, "denied by a rule": 3, "rejected by default": 1 });
});

test("reject asks for the ICMP error that says so", () => {
  acl.configure({ rules: [{ action: "reject", protocol: "udp" }] });
  assert.is(next(UDP), "ip4-icmp-error");
  assert.is(u16(0, B_ICMP), 0x030d); // destination unreachable, communication administratively prohibited
});

test("a rule that stays keeps its counts, a changed or new one begins at zero", () => {
  acl.configure({ rules: [{ action: "allow", protocol: "udp" }, { action: "deny", protocol: "tcp" }] });
  for (const hex of [UDP, UDP, SYN]) next(hex);
  acl.configure({ rules: [{ action: "allow", protocol: "udp" }, { action: "reject", protocol: "tcp" }, { action: "deny" }] });
  assert.equal(acl.rows("rules").map((row) => row.packets), [2, 0, 0]);
  acl.configure({ rules: [{ action: "allow", protocol: "udp" }] });
  assert.equal(acl.rows("rules"), [{ rule: 1, packets: 2, bytes: 56 }]);
  assert.is(next(SYN), "continue"); // the rules behind the last are gone
});

/** SYN as a later fragment; at 1480 and at 8. */
const LATER = SYN.replace("00004000", "000020b9");
const OVERWRITING = SYN.replace("00004000", "00000001");

test("a later fragment has no ports: rules that ask for them are passed by", () => {
  acl.configure({
    rules: [
      { action: "deny", protocol: "tcp", destinationPort: 80 }, { action: "deny", protocol: "tcp", established: true },
      { action: "reject", protocol: "tcp" },
    ],
  });
  assert.is(next(SYN), "error-drop");
  assert.is(next(SYN.replace("00004000", "00002000")), "error-drop"); // the first fragment has them
  assert.is(next(LATER), "ip4-icmp-error");
  assert.is(next(OVERWRITING), "error-drop");
  assert.equal(acl.counters(), { "denied by a rule": 2, "rejected by a rule": 1, "transport header not readable": 1 });
});

test("what a rule asks for must lie in the first buffer and in the packet; else the packet is dropped, if a rule asks", () => {
  const short = SYN.replace("45000028", "45000021").slice(0, SYN.replace("45000028", "45000021").indexOf("50020400")).concat("50"); // no flags
  const padded = `${UDP.replace("4500001c", "45000017")} 0000`; // IP says that it ends in the ports
  const cases: Omit<Packet, "l2">[] = [{ hex: short }, { hex: padded }, { hex: SYN, pieces: [33, 7] }, { hex: ECHO, pieces: [20, 8] }];
  for (const { hex, ...more } of cases) assert.is(next(hex, more), "continue");
  acl.configure({
    rules: [
      { action: "allow", protocol: "tcp", sourcePort: 1 }, { action: "allow", protocol: "udp", destinationPort: 1 },
      { action: "allow", protocol: "icmp", icmpType: 1 }, { action: "deny", source: "10.0.0.0/8" },
    ],
  });
  for (const { hex, ...more } of cases) assert.is(next(hex, more), "error-drop");
  assert.equal(acl.counters(), { "allowed by default": 4, "transport header not readable": 4 });
  assert.is(next(SYN, { pieces: [34, 6] }), "continue"); // the flags are the last that is asked for
});

test("what is not an IPv4 header is dropped", () => {
  const cases: Packet[] = [
    { hex: SYN.slice(0, 40) }, { hex: `55${SYN.slice(2)}` }, { hex: `44${SYN.slice(2)}` }, { hex: `40${SYN.slice(2)}` }, { hex: `4f${SYN.slice(2)}` },
    { hex: SYN.replace("45000028", "45000013") }, { hex: "" }, { hex: SYN, pieces: [19, 21] },
  ];
  for (const packet of cases) assert.is(acl.pass({ ...packet, l2: 0 }).next, "error-drop", packet.hex);
  assert.equal(acl.counters(), { "malformed IPv4 header": cases.length });
});

test("options are skipped", () => {
  acl.configure({ rules: [{ action: "deny", protocol: "udp", sourcePort: 53 }] });
  assert.is(next(UDP.replace("4500001c", "46000020").replace("0a010203", "0a010203 00000000")), "error-drop");
});

test("a rule that cannot be meant is refused by its number, and nothing changes", () => {
  const fine: Rule = { action: "deny", protocol: "udp" };
  acl.configure({ rules: [fine] });
  const refused: Rule[] = [
    { action: "deny", sourcePort: 1 }, { action: "deny", protocol: "gre", destinationPortTo: 1 },
    { action: "deny", protocol: "udp", established: true }, { action: "deny", protocol: "tcp", icmpType: 3 },
    { action: "deny", protocol: "tcp", sourcePort: 9, sourcePortTo: 8 },
    { action: "deny", protocol: "icmp", destinationPort: 3 },
  ];
  for (const rule of refused) assert.is(acl.configure({ rules: [{ action: "allow" }, rule] }), 2, JSON.stringify(rule));
  assert.equal(acl.rows("rules"), [{ rule: 1, packets: 0, bytes: 0 }]);
  for (const protocol of ["tcp", "udp", "sctp"]) assert.is(acl.configure({ rules: [{ action: "deny", protocol, destinationPort: 65535 }] }), 0);
  assert.is(acl.configure({ rules: Array.from({ length: 256 }, () => fine) }), 0);
  assert.is(acl.rows("rules").length, 256);
});

// The oracle: a packet as its fields, rules as text, matched as a person would read them.

interface Fields { source: number[]; destination: number[]; protocol: number; ports: [number, number]; flags: number; fragment: number; cut: number }

const NUMBERS: Record<string, number> = { icmp: 1, tcp: 6, udp: 17, gre: 47 };

function covers(prefix: string | undefined, address: number[]): boolean {
  const [network, length] = (prefix ?? "0.0.0.0/0").split("/") as [string, string];
  const bits = (bytes: number[]): string => bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("").slice(0, Number(length));
  return bits(network.split(".").map(Number)) === bits(address);
}

function inRange(from = 0, to = 0, port: number): boolean {
  return from === 0 && to === 0 ? true : port >= from && port <= (to === 0 ? from : to);
}

/** The rules' verdict on a packet; "unreadable": one asks for what is not there. */
function judge(rules: Rule[], packet: Fields): string {
  for (const rule of rules) {
    const number = rule.protocol === undefined || rule.protocol === "any" ? packet.protocol : NUMBERS[rule.protocol]!;
    if (number !== packet.protocol || !covers(rule.source, packet.source) || !covers(rule.destination, packet.destination)) continue;
    const keys = ["sourcePort", "sourcePortTo", "destinationPort", "destinationPortTo", "established"] as const;
    if (keys.some((key) => rule[key]) || (rule.icmpType ?? 255) !== 255) {
      if (packet.fragment === 1 && packet.protocol === 6) return "unreadable";
      if (packet.fragment > 0) continue;
      if (packet.cut < (packet.protocol === 6 ? 14 : 4)) return "unreadable";
      if (rule.established && (packet.flags & 0b10100) === 0) continue;
      if (packet.protocol === 1 && (rule.icmpType ?? 255) !== 255 && packet.ports[0] >> 8 !== rule.icmpType) continue;
      if (!inRange(rule.sourcePort, rule.sourcePortTo, packet.ports[0])) continue;
      if (!inRange(rule.destinationPort, rule.destinationPortTo, packet.ports[1])) continue;
    }
    return rule.action;
  }
  return "default";
}

function toPacket({ source, destination, protocol, ports, flags, fragment, cut }: Fields): Packet {
  const hex = (value: number, bytes: number): string => value.toString(16).padStart(bytes * 2, "0");
  const addresses = [...source, ...destination].map((byte) => hex(byte, 1)).join("");
  const transport = `${hex(ports[0], 2)}${hex(ports[1], 2)}000000010000000050${hex(flags, 1)}000000000000`;
  return { hex: `4500${hex(20 + cut, 2)}0000${hex(fragment, 2)}40${hex(protocol, 1)}0000${addresses}${transport.slice(0, cut * 2)}`, l2: 0 };
}

const oneOf = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const address = fc.tuple(oneOf(10, 192), oneOf(0, 1), oneOf(0, 128), oneOf(1, 2));
const prefix = fc.tuple(address, fc.integer({ min: 0, max: 32 })).map(([bytes, length]) => `${bytes.join(".")}/${length}`);
const port = oneOf(0, 22, 80, 1024, 65535);
const range = (name: "source" | "destination"): fc.Arbitrary<Partial<Rule>> =>
  fc.tuple(port, port).map(([a, b]) => ({ [`${name}Port`]: Math.min(a, b), [`${name}PortTo`]: Math.max(a, b) }));
const ports = fc.tuple(oneOf("tcp", "udp"), range("source"), range("destination")).map(([protocol, one, two]) => ({ protocol, ...one, ...two }));
const asked: fc.Arbitrary<Partial<Rule>> = fc.oneof(
  ports, ports, oneOf("tcp", "udp", "gre", "icmp", "any").map((protocol) => ({ protocol })), fc.constant({}),
  fc.boolean().map((established) => ({ protocol: "tcp", established })), oneOf(0, 8, 255).map((icmpType) => ({ protocol: "icmp", icmpType })),
);
const addresses = fc.record({ source: prefix, destination: prefix }, { requiredKeys: [] });
const action = oneOf<Rule["action"]>("allow", "deny", "reject");
const rule = fc.tuple(action, addresses, asked).map(([one, ...rest]) => Object.assign({ action: one }, ...rest) as Rule);
const fields = fc.record({
  source: address, destination: address, protocol: oneOf(1, 6, 17, 47), ports: fc.tuple(oneOf(22, 80, 2048, 65535), port), flags: oneOf(2, 16, 4),
  fragment: oneOf(0, 0, 0, 0, 1, 2), cut: oneOf(20, 20, 20, 14, 13, 4, 3, 0),
});

test("as a naive first match would judge, over random rules and packets", () => {
  const VERDICTS: Record<string, string> = { allow: "continue", deny: "error-drop", reject: "ip4-icmp-error", unreadable: "error-drop" };
  const seen = new Set<string>();
  fc.assert(fc.property(fc.array(rule, { maxLength: 8 }), action, fc.array(fields, { minLength: 1, maxLength: VECTOR, size: "max" }),
    (rules, last, packets) => {
      acl.clear();
      assert.is(acl.configure({ rules, default: last }), 0);
      const verdicts = packets.map((packet) => judge(rules, packet));
      assert.equal(acl.send(...packets.map(toPacket)).map((outcome) => outcome.next), verdicts.map((verdict) => VERDICTS[verdict] ?? VERDICTS[last]));
      const matched = verdicts.filter((verdict) => verdict !== "default" && verdict !== "unreadable").length;
      assert.is(acl.rows("rules").reduce((sum, row) => sum + Number(row.packets), 0), matched);
      for (const verdict of verdicts) seen.add(verdict);
    }), { numRuns: 200, endOnFailure: true });
  assert.equal([...seen].sort(), ["allow", "default", "deny", "reject", "unreadable"]);
});

test.run();
