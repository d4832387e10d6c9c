// A policer: the two-rate three-colour marker of RFC 2698, with an action for each colour, as VPP's policer of type 2r3c-2698.
//
//    node load policer.wasm as gold config {"cir": 10000, "cbs": 16000, "pir": 20000, "pbs": 32000, "yellow": "precedence"}
//    node insert gold after ip4-input on host-eth0         anywhere between ip4-input and ip4-rewrite
//    show node counters gold
//
// cir and pir, the committed and the peak rate, are kbit/s of IP packets, cbs and pbs bytes; pir may not be below cir, and neither burst
// below 1 (else the configuration is refused: 1, 2). A burst should hold the longest packet: 65535 where an interface receives
// super-packets. Without pir nothing is limited, and every packet keeps its colour; without cir no packet is green once cbs is used up.
//
// Actions: pass, drop, mark (sets the colour's DSCP: greenDscp, yellowDscp, redDscp), precedence (sets the drop precedence of a packet of an
// assured forwarding class, RFC 2597: AFx1 green, AFx2 yellow, AFx3 red; any other packet passes). By default red is dropped. With
// "colorAware" that precedence is also the colour that a packet comes with; what is of no such class comes green.
//
// Each worker meters its own packets. Packets of one vector arrive at the same time.

import { NEXT_DROP, bufferAt, configU32, count, declareNode, drop, lengthHere, lengthTotal, now, packetAt, setGauge, setNext, state } from "../sdk";
import { updateChecksum } from "../wire/checksum";
import { IP4_HEADER, headerLength, version } from "../wire/ipv4";

const NEXT_CONTINUE: u32 = 1;

const GREEN: u32 = 0;
const YELLOW: u32 = 1;
const RED: u32 = 2;

// Counters: packets and bytes of each colour in turn, then
const MALFORMED: u32 = 6;
const COMMITTED_TOKENS: u32 = 7; // gauges, bytes
const PEAK_TOKENS: u32 = 8;

// Configuration
const COLOUR_AWARE: usize = 16;
const ACTIONS: usize = 20; // of each colour: action, DSCP
const DROP: u32 = 1;
const MARK: u32 = 2;
const PRECEDENCE: u32 = 3;

// State: two buckets, each with what it gains a nanosecond and how much it holds. Tokens are counted in parts of a byte such that a
// kbit/s is one of them a nanosecond: 125 bytes in 1e9 ns, so 8,000,000 make a byte and nothing is ever rounded.
//
//   0         8             16           24             32          40         48         56
//   +---------+-------------+------------+--------------+-----------+----------+----------+------------+
//   | updated | C: tokens   | C: size    | C: full after| P: tokens | P: size  | P: full  | P: limits  |
//   +---------+-------------+------------+--------------+-----------+----------+----------+------------+
const BYTE: u64 = 8_000_000;
const COMMITTED: usize = 8;
const PEAK: usize = 32;
const SIZE: usize = 8; // in a bucket
const FULL_AFTER: usize = 16; // ns
const LIMITS: usize = 56;

export function process(node: usize, frame: usize, n: u32): void {
  refill(node, <u64>now());
  for (let i: u32 = 0; i < n; i++) setNext(frame, i, police(node, bufferAt(frame, i)));
  setGauge(node, COMMITTED_TOKENS, load<u64>(state(node), COMMITTED) / BYTE);
  setGauge(node, PEAK_TOKENS, load<u64>(state(node), PEAK) / BYTE);
}

function police(node: usize, buffer: usize): u32 {
  const header = packetAt(buffer);
  if (lengthHere(buffer) < IP4_HEADER || version(header) != 4 || headerLength(header) < IP4_HEADER) return drop(node, MALFORMED);
  const length = lengthTotal(buffer);
  const came = configU32(node, COLOUR_AWARE) != 0 ? colourOf(dscp(header)) : GREEN;
  const colour = load<u64>(state(node), LIMITS) != 0 ? meter(state(node), <u64>length * BYTE, came) : came;
  count(node, colour * 2);
  count(node, colour * 2 + 1, length);

  const action = configU32(node, ACTIONS + <usize>colour * 8);
  if (action == DROP) return NEXT_DROP;
  if (action == MARK) setDscp(header, configU32(node, ACTIONS + 4 + <usize>colour * 8));
  else if (action == PRECEDENCE && isAssured(dscp(header))) setDscp(header, (dscp(header) & 0x38) | ((colour + 1) << 1));
  return NEXT_CONTINUE;
}

/** RFC 2698, 3: the colour of a packet, whose tokens are taken. A colour-blind meter takes every packet for green. */
function meter(buckets: usize, tokens: u64, came: u32): u32 {
  const peak = load<u64>(buckets, PEAK);
  if (came == RED || peak < tokens) return RED;
  store<u64>(buckets, peak - tokens, PEAK);
  const committed = load<u64>(buckets, COMMITTED);
  if (came == YELLOW || committed < tokens) return YELLOW;
  store<u64>(buckets, committed - tokens, COMMITTED);
  return GREEN;
}

/** Puts into the buckets what they gained since the last vector; a clock that does not go forward brings nothing. */
function refill(node: usize, time: u64): void {
  const buckets = state(node);
  const updated = load<u64>(buckets);
  if (time <= updated) return;
  store<u64>(buckets, time);
  fill(buckets + COMMITTED, time - updated, configU32(node, 0));
  fill(buckets + PEAK, time - updated, configU32(node, 8));
}

/** Before `full after` rate times elapsed is less than the bucket's size, below 2^55: it cannot overflow. */
function fill(bucket: usize, elapsed: u64, rate: u64): void {
  const size = load<u64>(bucket, SIZE);
  store<u64>(bucket, elapsed > load<u64>(bucket, FULL_AFTER) ? size : min<u64>(size, load<u64>(bucket) + elapsed * rate));
}

export function configure(node: usize): i32 {
  const cir = configU32(node, 0);
  const pir = configU32(node, 8);
  if (pir < cir) return 1;
  if (pir != 0 && (configU32(node, 4) == 0 || configU32(node, 12) == 0)) return 2;
  store<u64>(state(node), <u64>now());
  open(state(node) + COMMITTED, cir, configU32(node, 4));
  open(state(node) + PEAK, pir, configU32(node, 12));
  store<u64>(state(node), pir, LIMITS);
  return 0;
}

/** RFC 2698, 3: a bucket begins full. */
function open(bucket: usize, rate: u64, burst: u64): void {
  const size = burst * BYTE;
  store<u64>(bucket, size);
  store<u64>(bucket, size, SIZE);
  store<u64>(bucket, rate == 0 ? u64.MAX_VALUE : size / rate, FULL_AFTER);
}

function dscp(header: usize): u32 { return <u32>load<u8>(header, 1) >> 2; }

/** Writes the DSCP, leaves the ECN bits (RFC 3168, 5) as they are, and mends the checksum. */
function setDscp(header: usize, value: u32): void {
  const before: u32 = load<u16>(header);
  const after = (before & 0x03ff) | (value << 10);
  store<u16>(header, <u16>after);
  store<u16>(header, <u16>updateChecksum(load<u16>(header, 10), before, after), 10);
}

/** Whether a DSCP is one of AF11 to AF43: class 1 to 4 in its high three bits, drop precedence 1 to 3, then 0 (RFC 2597, 6). */
function isAssured(value: u32): bool {
  const group = value >> 3;
  return group >= 1 && group <= 4 && (value & 6) != 0 && (value & 1) == 0;
}

function colourOf(value: u32): u32 { return isAssured(value) ? ((value >> 1) & 3) - 1 : GREEN; }

declareNode({
  name: "policer",
  process: "process",
  next: ["error-drop", "continue"],
  counters: ["green packets", "green bytes", "yellow packets", "yellow bytes", "red packets", "red bytes", "malformed IPv4 header"],
  gauges: ["committed tokens", "peak tokens"],
  state: 64,
  configure: "configure",
  config: {
    type: "object",
    properties: {
      cir: { type: "integer", description: "kbit/s" },
      cbs: { type: "integer", default: 65535, description: "bytes" },
      pir: { type: "integer", description: "kbit/s" },
      pbs: { type: "integer", default: 65535, description: "bytes" },
      colorAware: { type: "boolean" },
      green: { type: "string", enum: ["pass", "drop", "mark", "precedence"] },
      greenDscp: { type: "integer", maximum: 63 },
      yellow: { type: "string", enum: ["pass", "drop", "mark", "precedence"] },
      yellowDscp: { type: "integer", maximum: 63 },
      red: { type: "string", enum: ["pass", "drop", "mark", "precedence"], default: "drop" },
      redDscp: { type: "integer", maximum: 63 },
    },
  },
});
