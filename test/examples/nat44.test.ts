import { test } from "uvu";
import * as assert from "uvu/assert";
import { BUFFER_START, B_CSUM_FLAGS, B_CSUM_OFFSET, B_CSUM_START, B_GSO_SIZE, B_GSO_TYPE } from "../../assembly/abi.js";
import { checksum } from "../graph/packets.js";
import {
  CHECKSUM_AT, type Datagram, type End, ICMP, TCP, UDP, bytesOfDatagram, bytesOfError, endsOf, pseudoHeader, unfinished,
} from "./datagrams.js";
import { type ExampleNode, type Outcome, clock, fromHex, toHex } from "./harness.js";
import { ADDRESS, CONFIG, INSIDE, OUTSIDE, freshNat, made, pass, received } from "./nat44-router.js";

const HOST: End = { ip: "10.0.0.2", port: 4660 };
const SERVER: End = { ip: "198.51.100.7", port: 53 };
const plain = (text: string): string => text.replace(/ /g, "");
const bytesIn = (text: string): number[] => [...fromHex(text)];
const hex = (datagram: Datagram): string => toHex(Uint8Array.from(bytesOfDatagram(datagram)));
const hexError = (...words: Parameters<typeof bytesOfError>): string => toHex(Uint8Array.from(bytesOfError(...words)));
let nat: ExampleNode;
test.before.each(() => void (nat = freshNat()));

/** Has a packet go out; gives the sender's end as the outside sees it. */
function goOut(datagram: Datagram): End {
  const { next, hex } = pass(nat, received(INSIDE, bytesOfDatagram(datagram)));
  assert.is(next, "continue", JSON.stringify(nat.counters()));
  return endsOf(fromHex(hex)).from;
}

function unchanged(outcome: Outcome, bytes: number[]): void {
  assert.equal([outcome.next, outcome.hex], ["continue", toHex(Uint8Array.from(bytes))]);
}

function expectDrop(packet: Parameters<typeof pass>[1], reason: string): void {
  const before = nat.counters()[reason] ?? 0;
  assert.is(pass(nat, packet).next, "error-drop");
  assert.is(nat.counters()[reason], before + 1, JSON.stringify(nat.counters()));
}

test("a UDP packet out and its answer back, byte by byte", () => {
  const out = pass(nat, received(INSIDE, bytesIn("45000020 12344000 4011 f45c 0a000002 c6336407 12340035 000c db56 77656674")));
  assert.equal([out.next, out.hex], ["continue", plain("45000020 12344000 4011 c25c cb007101 c6336407 12340035 000c a956 77656674")]);
  const back = pass(nat, received(OUTSIDE, bytesIn("45000020 12344000 3f11 c35c c6336407 cb007101 00351234 000c a956 77656674")));
  assert.equal([back.next, back.hex], ["continue", plain("45000020 12344000 3f11 f55c c6336407 0a000002 00351234 000c db56 77656674")]);
  assert.equal(nat.rows("sessions"), [{ protocol: UDP, inside: "10.0.0.2", port: 0x1234, "outside-port": 0x1234, packets: 2, bytes: 64 }]);
  assert.equal(nat.gauges(), { sessions: 1 });
});

test("TCP and ICMP echo, with IP options too", () => {
  for (const protocol of [TCP, ICMP]) {
    for (const options of [[], [1, 1, 1, 0]]) {
      const shown = { ip: ADDRESS, port: HOST.port };
      const there: Datagram = { protocol, from: HOST, to: SERVER, options, payload: [1, 2, 3] };
      const out = pass(nat, received(INSIDE, bytesOfDatagram(there)));
      assert.is(out.hex, hex({ ...there, from: shown }));
      const answer: Datagram = { protocol, from: SERVER, to: shown, type: 0, options, payload: [1, 2, 3] };
      assert.is(pass(nat, received(OUTSIDE, bytesOfDatagram(answer))).hex, hex({ ...answer, to: HOST }));
    }
  }
});

test("UDP without a checksum stays without; one that becomes 0 is written 0xffff", () => {
  const bare: Datagram = { protocol: UDP, from: HOST, to: SERVER, unsummed: true };
  assert.is(pass(nat, received(INSIDE, bytesOfDatagram(bare))).hex, hex({ ...bare, from: { ip: ADDRESS, port: HOST.port } }));
  const shown = { ip: ADDRESS, port: HOST.port };
  // Two bytes of payload that make the translated packet's sum 0xffff
  const sum = checksum([...pseudoHeader(ADDRESS, SERVER.ip, UDP, 10), ...bytesOfDatagram({ ...bare, from: shown, payload: [0, 0] }).slice(20)]);
  const zero: Datagram = { protocol: UDP, from: HOST, to: SERVER, payload: [sum >> 8, sum & 255] };
  const { hex: out } = pass(nat, received(INSIDE, bytesOfDatagram(zero)));
  assert.is(out.slice(52, 56), "ffff");
  assert.is(out, hex({ ...zero, from: shown }));
});

type Field = [number, 1 | 2 | 4, number];
const checksumLeft = (start: number, offset: number): Field[] => [[B_CSUM_FLAGS, 1, 1], [B_CSUM_START, 2, start], [B_CSUM_OFFSET, 2, offset]];

test("what the sender left to its device stays its device's: the pseudo header's sum follows the addresses alone", () => {
  for (const protocol of [TCP, UDP]) {
    const sent: Datagram = { protocol, from: HOST, to: SERVER, payload: [9, 8, 7] };
    const offload: Field[] = [...checksumLeft(BUFFER_START + 34, CHECKSUM_AT[protocol]!), [B_GSO_SIZE, 2, 1448], [B_GSO_TYPE, 1, 1]];
    // somebody else has its port: the port's change must not show
    pass(nat, received(INSIDE, bytesOfDatagram({ ...sent, from: { ip: "10.0.0.3", port: HOST.port } })));
    const { hex: out } = pass(nat, received(INSIDE, unfinished(bytesOfDatagram(sent)), ...offload));
    const shown = endsOf(fromHex(out)).from;
    assert.not.equal(shown.port, HOST.port);
    assert.is(out, toHex(Uint8Array.from(unfinished(bytesOfDatagram({ ...sent, from: shown })))));
  }
});

test("a checksum left to the device within a tunnel is not this packet's own", () => {
  const sent: Datagram = { protocol: UDP, from: HOST, to: SERVER, payload: Array<number>(60).fill(7) };
  const innerStart = BUFFER_START + 14 + 20 + 8 + 8 + 34;
  const { hex: out } = pass(nat, received(INSIDE, bytesOfDatagram(sent), ...checksumLeft(innerStart, CHECKSUM_AT[TCP]!)));
  assert.is(out, hex({ ...sent, from: { ip: ADDRESS, port: HOST.port } }));
});

test("one mapping for an endpoint, whoever it talks to; its own port where that is free", () => {
  const first = goOut({ protocol: UDP, from: HOST, to: SERVER });
  assert.equal(first, { ip: ADDRESS, port: HOST.port });
  assert.equal(goOut({ protocol: UDP, from: HOST, to: { ip: "198.51.3.4", port: 99 } }), first);
  assert.is(nat.gauges()["sessions"], 1);
  const second = goOut({ protocol: UDP, from: { ip: "10.0.0.3", port: HOST.port }, to: SERVER });
  assert.not.equal(second.port, first.port);
  assert.is(goOut({ protocol: TCP, from: { ip: "10.0.0.3", port: HOST.port }, to: SERVER }).port, HOST.port, "each protocol has its own ports");
  assert.ok(goOut({ protocol: UDP, from: { ip: "10.0.0.3", port: 80 }, to: SERVER }).port >= 1024, "a port outside the range is not kept");
  // anyone may answer: endpoint-independent filtering
  const stranger: Datagram = { protocol: UDP, from: { ip: "198.51.77.7", port: 7 }, to: second };
  assert.is(pass(nat, received(OUTSIDE, bytesOfDatagram(stranger))).hex, hex({ ...stranger, to: { ip: "10.0.0.3", port: HOST.port } }));
});

test("a neighbour outside that is not resolved yet counts as outside too", () => {
  assert.equal(goOut({ protocol: UDP, from: HOST, to: { ip: "203.0.113.9", port: 53 } }), { ip: ADDRESS, port: HOST.port });
});

test("what is not between inside and outside passes unchanged", () => {
  const packets: [number, Datagram][] = [
    [INSIDE, { protocol: UDP, from: HOST, to: { ip: "10.0.9.9", port: 5 } }], // back to the inside
    [INSIDE, { protocol: UDP, from: HOST, to: { ip: "203.0.113.2", port: 5 } }], // the router's other address
    [INSIDE, { protocol: UDP, from: HOST, to: { ip: "192.0.2.1", port: 5 } }], // no route
    [INSIDE, { protocol: UDP, from: HOST, to: SERVER, ttl: 1 }], // ends here: the error is the sender's own
    [OUTSIDE, { protocol: UDP, from: SERVER, to: HOST }],
    [3, { protocol: UDP, from: { ip: "192.0.2.9", port: 9 }, to: SERVER }], // an interface of neither side
  ];
  for (const [rx, datagram] of packets) unchanged(pass(nat, received(rx, bytesOfDatagram(datagram))), bytesOfDatagram(datagram));
  const own = bytesOfDatagram({ protocol: ICMP, from: { ip: ADDRESS, port: 1 }, to: SERVER });
  unchanged(pass(nat, made(0, own)), own);
  assert.equal([nat.counters(), nat.gauges()], [{}, { sessions: 0 }]);
});

test("the NAT's address without a session is the router itself", () => {
  goOut({ protocol: ICMP, from: HOST, to: SERVER });
  for (const [rx, datagram] of [
    [OUTSIDE, { protocol: UDP, from: SERVER, to: { ip: ADDRESS, port: 77 } }],
    [OUTSIDE, { protocol: TCP, from: SERVER, to: { ip: ADDRESS, port: 77 } }],
    [OUTSIDE, { protocol: ICMP, from: { ip: SERVER.ip, port: HOST.port }, to: { ip: ADDRESS, port: 0 } }], // an echo request, of a known identifier
    [OUTSIDE, { protocol: ICMP, type: 0, from: SERVER, to: { ip: ADDRESS, port: 78 } }],
    [INSIDE, { protocol: ICMP, from: HOST, to: { ip: ADDRESS, port: 0 } }],
    [INSIDE, { protocol: UDP, from: HOST, to: { ip: ADDRESS, port: 77 } }],
  ] as [number, Datagram][]) unchanged(pass(nat, received(rx, bytesOfDatagram(datagram))), bytesOfDatagram(datagram));
  assert.equal(nat.counters(), { "to the address, no session: passed": 6 });
  const aside = bytesOfDatagram({ protocol: UDP, from: { ip: "192.0.2.9", port: 9 }, to: goOut({ protocol: UDP, from: HOST, to: SERVER }) });
  unchanged(pass(nat, received(3, aside)), aside); // of neither side, whatever the port
});

test("hairpin: two hosts inside speak by the NAT's address, UDP and TCP", () => {
  const other: End = { ip: "10.0.0.3", port: 5000 };
  for (const protocol of [UDP, TCP]) {
    const served = goOut({ protocol, from: other, to: SERVER });
    const there = pass(nat, received(INSIDE, bytesOfDatagram({ protocol, from: HOST, to: served })));
    const shown: End = { ip: ADDRESS, port: HOST.port };
    assert.is(there.hex, hex({ protocol, from: shown, to: other }));
    const back = pass(nat, received(INSIDE, bytesOfDatagram({ protocol, from: other, to: shown })));
    assert.is(back.hex, hex({ protocol, from: served, to: HOST }));
  }
  assert.equal(nat.counters(), { hairpinned: 4 });
});

/** The first 8 bytes of what followed the header are what a quotation has at least (RFC 792). */
const quote = (datagram: Datagram, length = 28): number[] => bytesOfDatagram(datagram).slice(0, length);

test("an ICMP error from the outside finds the host that it is for, its own packet within", () => {
  for (const protocol of [UDP, TCP, ICMP]) {
    for (const length of [28, 36, 40]) {
      const sent: Datagram = { protocol, from: HOST, to: SERVER, payload: Array<number>(20).fill(3) };
      const shown = goOut(sent);
      const error = bytesOfError("198.51.1.1", ADDRESS, 11, 0, quote({ ...sent, from: shown }, length));
      const { next, hex: out } = pass(nat, received(OUTSIDE, error));
      assert.equal([next, out], ["continue", hexError("198.51.1.1", HOST.ip, 11, 0, quote(sent, length))]);
    }
  }
});

test("so does the router's own about a translated packet: the next hop's MTU", () => {
  const sent: Datagram = { protocol: TCP, from: HOST, to: SERVER, payload: Array<number>(20).fill(3) };
  const shown = goOut(sent);
  const error = bytesOfError("10.0.0.1", ADDRESS, 3, 4, quote({ ...sent, from: shown }), [0, 0, 5, 120]);
  assert.is(pass(nat, made(INSIDE, error)).hex, hexError("10.0.0.1", HOST.ip, 3, 4, quote(sent), [0, 0, 5, 120]));
});

test("an error from the inside about a packet from the outside shows neither address nor port of the inside", () => {
  const shown = goOut({ protocol: UDP, from: { ...HOST, port: 80 }, to: SERVER }); // port 80 is not in the range
  const came: Datagram = { protocol: UDP, from: SERVER, to: { ...HOST, port: 80 } };
  const wanted = (from: string): string => hexError(from, SERVER.ip, 3, 3, quote({ ...came, to: shown }));
  assert.is(pass(nat, received(INSIDE, bytesOfError(HOST.ip, SERVER.ip, 3, 3, quote(came)))).hex, wanted(ADDRESS));
  assert.is(pass(nat, received(INSIDE, bytesOfError("10.0.7.7", SERVER.ip, 3, 3, quote(came)))).hex, wanted(ADDRESS), "a router inside");
  assert.is(pass(nat, made(OUTSIDE, bytesOfError("203.0.113.2", SERVER.ip, 3, 3, quote(came)))).hex, wanted("203.0.113.2"), "our own");
  expectDrop(received(INSIDE, bytesOfError(HOST.ip, SERVER.ip, 3, 3, quote({ ...came, to: { ...HOST, port: 81 } }))), "ICMP error without a session");
  const stray = bytesOfError("203.0.113.2", SERVER.ip, 3, 3, quote({ ...came, to: { ...HOST, port: 81 } }));
  unchanged(pass(nat, made(OUTSIDE, stray)), stray);
});

test("an error about a hairpinned packet", () => {
  const other: End = { ip: "10.0.0.3", port: 50 };
  const served = goOut({ protocol: UDP, from: other, to: SERVER });
  const shown: End = { ip: ADDRESS, port: HOST.port };
  pass(nat, received(INSIDE, bytesOfDatagram({ protocol: UDP, from: HOST, to: served })));
  const error = (from: string): number[] => bytesOfError(from, ADDRESS, 3, 3, quote({ protocol: UDP, from: shown, to: other }));
  const wanted = (from: string): string => hexError(from, HOST.ip, 3, 3, quote({ protocol: UDP, from: HOST, to: served }));
  assert.is(pass(nat, received(INSIDE, error(other.ip))).hex, wanted(ADDRESS));
  assert.is(pass(nat, made(INSIDE, error("10.0.0.1"))).hex, wanted("10.0.0.1"));
});

test("errors that quote nothing of ours, or too little, pass to the router", () => {
  const shown = goOut({ protocol: UDP, from: HOST, to: SERVER });
  const sent: Datagram = { protocol: UDP, from: shown, to: SERVER };
  const quotes = [
    quote(sent, 27), [], quote({ ...sent, from: { ip: "203.0.113.2", port: shown.port } }), quote({ ...sent, from: { ip: ADDRESS, port: 9 } }),
    quote({ ...sent, fragment: 2 }), [0x65, ...quote(sent).slice(1)], [0x44, ...quote(sent).slice(1)], quote({ ...sent, protocol: ICMP, type: 0 }),
    quote(sent).fill(47, 9, 10),
  ];
  for (const quoted of quotes) {
    const error = bytesOfError("198.51.1.1", ADDRESS, 3, 3, quoted);
    unchanged(pass(nat, received(OUTSIDE, error)), error);
  }
  assert.equal(nat.counters(), { "to the address, no session: passed": quotes.length });
});

test("a quoted header that claims to be shorter than any is not believed", () => {
  const port = 198 * 256 + 51; // what 16 bytes after its begin would say: the destination's first half
  const shown = goOut({ protocol: UDP, from: { ...HOST, port }, to: SERVER });
  const error = bytesOfError("198.51.1.1", ADDRESS, 3, 3, [0x44, ...quote({ protocol: UDP, from: shown, to: SERVER }).slice(1)]);
  unchanged(pass(nat, received(OUTSIDE, error)), error);
});

test("a quoted UDP packet without a checksum stays without", () => {
  const sent: Datagram = { protocol: UDP, from: { ...HOST, port: 80 }, to: SERVER, unsummed: true };
  const error = bytesOfError("198.51.1.1", ADDRESS, 11, 0, quote({ ...sent, from: goOut(sent) }));
  assert.is(pass(nat, received(OUTSIDE, error)).hex, hexError("198.51.1.1", HOST.ip, 11, 0, quote(sent)));
});

test("fragments follow their first one, out, back and round the hairpin", () => {
  const MORE = 0x2000;
  const first: Datagram = { protocol: UDP, from: HOST, to: SERVER, fragment: MORE, payload: Array<number>(24).fill(5) };
  const later: Datagram = { ...first, fragment: 4 };
  expectDrop(received(INSIDE, bytesOfDatagram(later)), "first fragment unknown");
  const shown = goOut(first);
  // of a later fragment only the header changes
  const moved = (from: End, to: End): string => hex({ ...later, from, to }).slice(0, 40) + hex(later).slice(40);
  assert.is(pass(nat, received(INSIDE, bytesOfDatagram(later))).hex, moved({ ...shown }, SERVER));

  const answer: Datagram = { ...first, from: SERVER, to: shown };
  expectDrop(received(OUTSIDE, bytesOfDatagram({ ...answer, fragment: 4 })), "first fragment unknown");
  assert.is(pass(nat, received(OUTSIDE, bytesOfDatagram(answer))).hex, hex({ ...answer, to: HOST }));
  const rest = { ...answer, fragment: 4 };
  const { hex: back } = pass(nat, received(OUTSIDE, bytesOfDatagram(rest)));
  assert.is(back, hex({ ...rest, to: HOST }).slice(0, 40) + hex(rest).slice(40));

  const other: End = { ip: "10.0.0.3", port: 50 };
  const served = goOut({ protocol: UDP, from: other, to: SERVER });
  const round: Datagram = { ...first, to: served };
  assert.is(pass(nat, received(INSIDE, bytesOfDatagram(round))).hex, hex({ ...round, from: shown, to: other }));
  const { hex: rounded } = pass(nat, received(INSIDE, bytesOfDatagram({ ...round, fragment: 4 })));
  assert.is(rounded.slice(0, 40), hex({ ...round, from: shown, to: other, fragment: 4 }).slice(0, 40));

  const whole = Array.from({ length: 2000 }, (_, i) => ({ ...first, fragment: 0, to: { ip: `198.51.${i >> 8}.${i & 255}`, port: 1 } }));
  nat.send(...whole.map((one) => received(INSIDE, bytesOfDatagram(one))));
  assert.is(pass(nat, received(INSIDE, bytesOfDatagram(later))).next, "continue", "whole packets take no place");
  clock.now += 30e9;
  expectDrop(received(INSIDE, bytesOfDatagram(later)), "first fragment unknown");
});

test("what cannot be translated is dropped under a name", () => {
  const gre = bytesOfDatagram({ protocol: UDP, from: HOST, to: SERVER });
  gre[9] = 47;
  expectDrop(received(INSIDE, gre), "protocol or message not translatable");
  expectDrop(received(INSIDE, bytesOfDatagram({ protocol: ICMP, type: 13, from: HOST, to: SERVER })), "protocol or message not translatable");
  expectDrop(received(INSIDE, bytesOfDatagram({ protocol: ICMP, type: 0, from: HOST, to: SERVER })), "protocol or message not translatable");
  for (const [protocol, length] of [[UDP, 27], [TCP, 39], [ICMP, 27]] as const) {
    expectDrop(received(INSIDE, bytesOfDatagram({ protocol, from: HOST, to: SERVER }).slice(0, length)), "transport header not whole");
  }
  const pieces = { ...received(INSIDE, bytesOfDatagram({ protocol: TCP, from: HOST, to: SERVER })), pieces: [30, 10] };
  expectDrop(pieces, "transport header not whole");
  assert.is(nat.gauges()["sessions"], 0);
});

test("sessions end when they are silent for too long", () => {
  const ends: [string, number, (from: End) => void][] = [
    ["ICMP", 60, (from) => goOut({ protocol: ICMP, from, to: SERVER })],
    ["UDP", 300, (from) => goOut({ protocol: UDP, from, to: SERVER })],
    ["TCP, not answered", 240, (from) => goOut({ protocol: TCP, from, to: SERVER, tcpFlags: 2 })],
    ["TCP", 7440, connect],
    ["TCP, one side closed", 7440, (from) => [connect(from), goOut({ protocol: TCP, from, to: SERVER, tcpFlags: 0x11 })]],
    ["TCP, closed", 240, close],
    ["TCP, reset", 240, (from) => [connect(from), answer(from, 0x14)]],
    ["TCP, closed and connected again", 7440, (from) => [close(from), connect(from)]],
    ["TCP, closed and asked to connect again", 240, (from) => [close(from), goOut({ protocol: TCP, from, to: SERVER, tcpFlags: 2 })]],
    ["TCP, a second connection begins", 7440, (from) => [connect(from), goOut({ protocol: TCP, from, to: SERVER, tcpFlags: 2 })]],
    ["TCP, opened from both sides at once", 240, (from) => [
      goOut({ protocol: TCP, from, to: SERVER, tcpFlags: 2 }), answer(from, 2), goOut({ protocol: TCP, from, to: SERVER, tcpFlags: 0x12 }),
    ]],
    ["TCP, begun before the NAT, not answered", 240, (from) => goOut({ protocol: TCP, from, to: SERVER, tcpFlags: 0x10 })],
  ];
  for (const [what, timeout, run] of ends) {
    nat = freshNat();
    run(HOST);
    clock.now += (timeout - 1) * 1e9;
    nat.send(received(3, bytesOfDatagram({ protocol: UDP, from: SERVER, to: HOST }))); // the sweep needs a packet, any
    assert.is(nat.gauges()["sessions"], 1, `${what}: ends too early`);
    clock.now += 1e9;
    nat.send(received(3, bytesOfDatagram({ protocol: UDP, from: SERVER, to: HOST })));
    assert.is(nat.gauges()["sessions"], 0, `${what}: does not end`);
    assert.equal(nat.rows("sessions"), []);
  }
});

function answer({ port }: End, tcpFlags: number): void {
  assert.is(pass(nat, received(OUTSIDE, bytesOfDatagram({ protocol: TCP, from: SERVER, to: { ip: ADDRESS, port }, tcpFlags }))).next, "continue");
}

function connect(from: End): void {
  goOut({ protocol: TCP, from, to: SERVER, tcpFlags: 2 });
  answer(from, 0x12);
  goOut({ protocol: TCP, from, to: SERVER, tcpFlags: 0x10 });
}

function close(from: End): void {
  connect(from);
  goOut({ protocol: TCP, from, to: SERVER, tcpFlags: 0x11 });
  answer(from, 0x11);
  goOut({ protocol: TCP, from, to: SERVER, tcpFlags: 0x10 });
}

test("a packet of either direction keeps a session; timeouts are the configuration's", () => {
  nat.configure({ ...CONFIG, udpTimeout: 10 });
  const shown = goOut({ protocol: UDP, from: HOST, to: SERVER });
  for (let i = 0; i < 5; i++) {
    clock.now += 9e9;
    assert.is(endsOf(fromHex(pass(nat, received(OUTSIDE, bytesOfDatagram({ protocol: UDP, from: SERVER, to: shown }))).hex)).to.ip, HOST.ip);
  }
  clock.now += 10e9;
  const late = bytesOfDatagram({ protocol: UDP, from: SERVER, to: shown });
  unchanged(pass(nat, received(OUTSIDE, late)), late);
});

test("ports are those of the configuration's range; none free: dropped, until a session ends", () => {
  nat.configure({ ...CONFIG, firstPort: 40000, lastPort: 40003 });
  const hosts = ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"];
  const ports = hosts.map((ip) => goOut({ protocol: UDP, from: { ip, port: 99 }, to: SERVER }).port);
  assert.equal([...ports].sort(), [40000, 40001, 40002, 40003]);
  expectDrop(received(INSIDE, bytesOfDatagram({ protocol: UDP, from: { ip: "10.0.0.6", port: 99 }, to: SERVER })), "no port free");
  assert.is(goOut({ protocol: UDP, from: { ip: "10.0.0.2", port: 99 }, to: SERVER }).port, ports[0], "who has one keeps it");
  assert.is(goOut({ protocol: TCP, from: { ip: "10.0.0.6", port: 40001 }, to: SERVER }).port, 40001);
  clock.now += 300e9;
  assert.is(goOut({ protocol: UDP, from: { ip: "10.0.0.6", port: 40002 }, to: SERVER }).port, 40002);
});

test("a packet looks for a free port 64 times, the next one goes on from there", () => {
  nat.configure({ ...CONFIG, firstPort: 40000, lastPort: 40199 });
  for (let port = 40000; port < 40199; port++) goOut({ protocol: UDP, from: { ...HOST, port }, to: SERVER });
  const late: Datagram = { protocol: UDP, from: { ...HOST, port: 99 }, to: SERVER };
  for (let i = 0; i < 3; i++) expectDrop(received(INSIDE, bytesOfDatagram(late)), "no port free");
  assert.is(goOut(late).port, 40199);
});

test("16,384 sessions and no more; each is found by both of its ends, and all of them end", () => {
  const ends = Array.from({ length: 16385 }, (_, i): End => ({ ip: `10.0.${i >> 8}.1`, port: 2000 + i }));
  const packets = ends.map((from) => received(INSIDE, bytesOfDatagram({ protocol: UDP, from, to: SERVER, unsummed: true })));
  const out = nat.send(...packets);
  assert.is(out.filter(({ next }) => next === "error-drop").length, 1);
  assert.equal([nat.counters(), nat.gauges()], [{ "no session free": 1 }, { sessions: 16384 }]);
  assert.is(new Set(out.slice(0, -1).map(({ hex }) => endsOf(fromHex(hex)).from.port)).size, 16384);
  for (let i = 0; i < 16384; i += 77) {
    const shown = endsOf(fromHex(out[i]!.hex)).from;
    const back = pass(nat, received(OUTSIDE, bytesOfDatagram({ protocol: UDP, from: SERVER, to: shown })));
    assert.equal(endsOf(fromHex(back.hex)).to, ends[i]);
  }
  assert.is(nat.rows("sessions").length, 16384);
  clock.now += 301e9;
  // A vector of 256 sweeps 264 rows.
  nat.send(...packets.slice(0, 64 * 256).map(() => received(3, bytesOfDatagram({ protocol: UDP, from: SERVER, to: HOST }))));
  assert.is(nat.gauges()["sessions"], 0);
  assert.is(goOut({ protocol: UDP, from: HOST, to: SERVER }).port, HOST.port);
});

test("configurations that make no sense are refused by number", () => {
  assert.is(nat.configure(CONFIG), 0);
  assert.is(nat.configure({ ...CONFIG, outside: "host-a" }), 1);
  assert.is(nat.configure({ ...CONFIG, firstPort: 5, lastPort: 4 }), 2);
  assert.is(nat.configure({ ...CONFIG, address: "224.0.0.1" }), 3);
});

test.run();
