// Random packets both ways, against an oracle that keeps two maps and makes every packet anew.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { BUFFER_START, B_CSUM_FLAGS, B_CSUM_START } from "../../assembly/abi.js";
import { type Datagram, type End, ICMP, TCP, UDP, bytesOfDatagram, bytesOfError, endsOf, unfinished, wrongChecksum } from "./datagrams.js";
import { type Packet, clock, fromHex, toHex } from "./harness.js";
import { ADDRESS, INSIDE, OUTSIDE, freshNat, received } from "./nat44-router.js";

const TIMEOUT: Record<number, number> = { [UDP]: 300, [ICMP]: 60, [TCP]: 240 }; // of TCP, every packet here is a SYN
const SYN = 2;
const FIRST_PORT = 1024;

/** Pseudo-random numbers, the same in each run. */
let seed = 4711;
function below(limit: number): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * limit);
}
const oneOf = <T>(list: readonly T[]): T => list[below(list.length)]!;

interface Mapping { protocol: number; inside: End; port: number; last: number }

class Oracle {
  readonly mappings = new Map<string, Mapping>();
  readonly byPort = new Map<string, Mapping>();

  expire(time: number): void {
    for (const [key, mapping] of this.mappings) {
      if (time - mapping.last < TIMEOUT[mapping.protocol]!) continue;
      this.mappings.delete(key);
      this.byPort.delete(`${mapping.protocol} ${mapping.port}`);
    }
  }

  /** The sender's mapping. A new one has the port that the node chose, which must be its own if that may be, and free in any case. */
  outwards(protocol: number, from: End, chosen: number, time: number): Mapping {
    const key = `${protocol} ${from.ip} ${from.port}`;
    let mapping = this.mappings.get(key);
    if (mapping === undefined) {
      const own = from.port >= FIRST_PORT && !this.byPort.has(`${protocol} ${from.port}`);
      if (own) assert.is(chosen, from.port, "its own port is free");
      assert.ok(chosen >= FIRST_PORT && !this.byPort.has(`${protocol} ${chosen}`), `${key} was given ${chosen}`);
      mapping = { protocol, inside: from, port: chosen, last: time };
      this.mappings.set(key, mapping);
      this.byPort.set(`${protocol} ${chosen}`, mapping);
    }
    mapping.last = time;
    return mapping;
  }

  inwards(protocol: number, port: number): Mapping | undefined { return this.byPort.get(`${protocol} ${port}`); }
}

const insideEnd = (): End => ({ ip: `10.0.0.${2 + below(12)}`, port: oneOf([80, 1024, 1025, 2000 + below(60), 65535]) });
const server = (): End => ({ ip: `198.51.100.${1 + below(200)}`, port: 1 + below(65535) });
const protocol = (): number => oneOf([UDP, TCP, ICMP]);

function datagram(protocol: number, from: End, to: End): Datagram {
  const payload = Array.from({ length: below(40) }, () => below(256));
  const options = oneOf([[], [], [1, 1, 1, 0], [1, 1, 1, 1, 1, 1, 1, 0]]);
  return { protocol, from, to, payload, options, tcpFlags: SYN, unsummed: below(4) === 0 };
}

/** A packet to send, and what must come of it; `check` is given the bytes that came out. */
interface Trial { packet: Packet; check: (out: Uint8Array) => void }

const same = (out: Uint8Array, bytes: number[]): void => {
  assert.is(toHex(out), toHex(Uint8Array.from(bytes)));
  assert.is(wrongChecksum(out), null);
};

/** The packet, sometimes with its checksum left to the device. */
function trial(rx: number, sent: Datagram, expected: (out: Uint8Array) => Datagram): Trial {
  const left = sent.protocol !== ICMP && !sent.unsummed && below(3) === 0;
  const bytes = bytesOfDatagram(sent);
  if (!left) return { packet: received(rx, bytes), check: (out) => same(out, bytesOfDatagram(expected(out))) };
  const start = BUFFER_START + 14 + 20 + sent.options!.length;
  const packet = received(rx, unfinished(bytes), [B_CSUM_FLAGS, 1, 1], [B_CSUM_START, 2, start]);
  return { packet, check: (out) => assert.is(toHex(out), toHex(Uint8Array.from(unfinished(bytesOfDatagram(expected(out)))))) };
}

const oracle = new Oracle();
const time = (): number => clock.now / 1e9;

/** The sender as the outside sees it. */
function shown({ protocol, from }: Datagram, out: Uint8Array): End {
  return { ip: ADDRESS, port: oracle.outwards(protocol, from, endsOf(out).from.port, time()).port };
}

function outward(): Trial {
  const sent = datagram(protocol(), insideEnd(), server());
  return trial(INSIDE, sent, (out) => ({ ...sent, from: shown(sent, out) }));
}

const somePort = (): number => (below(8) === 0 ? below(65536) : oneOf([1024, 1025, 1026, 1030 + below(40), 2000 + below(60), 65535]));

function inward(): Trial {
  const sent = { ...datagram(protocol(), server(), { ip: ADDRESS, port: somePort() }), type: 0 };
  return trial(OUTSIDE, sent, () => {
    const mapping = oracle.inwards(sent.protocol, sent.to.port);
    if (mapping) mapping.last = time();
    return mapping ? { ...sent, to: mapping.inside } : sent;
  });
}

function hairpin(): Trial {
  const sent = datagram(oneOf([UDP, TCP]), insideEnd(), { ip: ADDRESS, port: somePort() });
  return trial(INSIDE, sent, (out) => {
    const mapping = oracle.inwards(sent.protocol, sent.to.port);
    if (!mapping) return sent;
    const from = shown(sent, out);
    mapping.last = time();
    return { ...sent, from, to: mapping.inside };
  });
}

const quote = (sent: Datagram, length: number): number[] => bytesOfDatagram(sent).slice(0, length);

function errorInward(): Trial {
  const quoted = datagram(protocol(), { ip: ADDRESS, port: somePort() }, server());
  const length = 20 + quoted.options!.length + 8 + 2 * below(30); // half a checksum cannot be mended
  const error = (to: string, about: Datagram): number[] => bytesOfError("198.51.1.1", to, 3, 1, quote(about, length));
  return {
    packet: received(OUTSIDE, error(ADDRESS, quoted)),
    check: (out) => {
      const mapping = oracle.inwards(quoted.protocol, quoted.from.port);
      same(out, mapping ? error(mapping.inside.ip, { ...quoted, from: mapping.inside }) : error(ADDRESS, quoted));
    },
  };
}

test("every packet is what the oracle makes it, and no two endpoints share a port", () => {
  const nat = freshNat();
  const kinds = [outward, outward, outward, inward, inward, hairpin, errorInward];
  for (let round = 0; round < 120; round++) {
    clock.now += oneOf([0, 0.3e9, 5e9, 61e9]);
    if (below(20) === 0) clock.now += 250e9;
    clock.now = Math.floor(clock.now / 1e9) * 1e9;
    oracle.expire(time());
    const trials = Array.from({ length: 1 + below(255) }, () => oneOf(kinds)());
    const outcomes = nat.send(...trials.map(({ packet }) => packet));
    outcomes.forEach(({ next, hex }, i) => {
      assert.is(next, "continue", JSON.stringify(nat.counters()));
      trials[i]!.check(fromHex(hex));
    });
    for (const { inside, port, protocol, ...row } of nat.rows("sessions")) {
      const mapping = oracle.mappings.get(`${protocol} ${inside} ${port}`);
      if (mapping) assert.is(row["outside-port"], mapping.port);
    }
  }
  assert.ok(oracle.mappings.size > 100, `${oracle.mappings.size} sessions at the end`);
});

test("answers come back to exactly who asked", () => {
  const nat = freshNat();
  const asked = Array.from({ length: 2000 }, (_, i): Datagram => ({
    protocol: oneOf([UDP, TCP, ICMP]), from: { ip: `10.0.${i >> 8}.${i & 255}`, port: 3000 + below(20) }, to: server(), tcpFlags: SYN,
  }));
  const ends = nat.send(...asked.map((one) => received(INSIDE, bytesOfDatagram(one)))).map(({ hex }) => endsOf(fromHex(hex)).from);
  assert.is(new Set(ends.map(({ port }, i) => `${asked[i]!.protocol} ${port}`)).size, asked.length);
  const answers = asked.map((one, i): Datagram => ({ ...one, type: 0, from: one.to, to: ends[i]! }));
  nat.send(...answers.map((one) => received(OUTSIDE, bytesOfDatagram(one)))).forEach(({ hex }, i) => {
    assert.is(hex, toHex(Uint8Array.from(bytesOfDatagram({ ...answers[i]!, to: asked[i]!.from }))));
  });
});

test.run();
