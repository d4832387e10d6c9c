// Top talkers: packets and bytes of each IPv4 flow, as nfdump or ntopng show them, in a table of fixed size.
//
//    node load flow-meter.wasm as flows config {"idle": 300}
//    node insert flows after ip4-input                     anywhere between ip4-input and ip4-rewrite
//    show node table flows flows                           the largest first
//
// A flow is addresses, protocol and, of TCP, UDP and SCTP, ports. A later fragment, and a packet whose ports are not within the first
// buffer, counts for the flow with ports 0. Every packet goes on as it came, what is not IPv4 too (counted as unreadable).
//
// The table is that of the Space-Saving algorithm (Metwally, Agrawal, El Abbadi: Efficient computation of frequent and top-k elements in data
// streams, 2005), cut into 128 sets of 8 rows; a flow's set is its hash. Where a new flow finds its set full, it takes the row of the
// flow with the fewest bytes. Then, as long as no flow is idle:
//   - bytes <= what the flow has carried <= bytes + missed;
//   - a flow that carries more than an eighth of the bytes of its set has a row;
//   - the rows' packets and bytes, "other" and "unreadable" make up all that passed, always.
// Whoever chooses his addresses and ports can crowd one set, but not push out of it what is larger than an eighth of it.
// With "idle" (seconds; 0, the default: never) a flow that has been quiet for so long has ended: it gives up its row when a new flow wants
// one or the meter comes by, and may begin anew. Times are in ms of the router's clock. Each worker meters its own packets.

import { bufferAt, configU32, count, declareNode, lengthHere, lengthTotal, now, packetAt, setGauge, setNext, state } from "../sdk";
import { IP4_HEADER, PROTOCOL_TCP, PROTOCOL_UDP, headerLength, isLaterFragment, protocol, totalLength, version } from "../wire/ipv4";

const NEXT_CONTINUE: u32 = 1;

const OTHER_PACKETS: u32 = 0;
const OTHER_BYTES: u32 = 1;
const UNREADABLE_PACKETS: u32 = 2;
const UNREADABLE_BYTES: u32 = 3;
const BEGUN: u32 = 4;
const FLOWS: u32 = 5; // gauge

// State: a block, then the sets, each with its rows. A row:
//
//   0         8       12         16        24      32       40      48     56
//   +---------+-------+----------+---------+-------+--------+-------+------+-----+
//   | source, | ports | protocol | packets | bytes | missed | first | last |  -  |
//   | destin. |       | and USED |         |       |        |       |      |     |
//   +---------+-------+----------+---------+-------+--------+-------+------+-----+
const FLOW_COUNT: usize = 0; // u32
const SWEPT: usize = 4; // u32, set to look at next for flows that have ended
const LARGEST_GONE: usize = 64; // u64 a set: most that a flow can have carried which had to give up its row
const ROWS: usize = 64 + 8 * 128;
const SETS: u32 = 128;
const WAYS: u32 = 8;
const ROW_SIZE: usize = 64;
const PORTS: usize = 8; // and protocol: the second half of the key
const PROTOCOL: usize = 12;
const PACKETS: usize = 16;
const BYTES: usize = 24;
const MISSED: usize = 32;
const FIRST: usize = 40;
const LAST: usize = 48;
const USED: u32 = 0x100; // beside the protocol, whose number may be 0

const PROTOCOL_SCTP: u32 = 132;

export function process(node: usize, frame: usize, n: u32): void {
  const time = <u64>(now() / 1e6);
  const idle = configU32(node, 0);
  const since: u64 = idle != 0 && time > <u64>idle * 1000 ? time - <u64>idle * 1000 : 0;
  sweep(node, since);
  for (let i: u32 = 0; i < n; i++) {
    measure(node, bufferAt(frame, i), time, since);
    setNext(frame, i, NEXT_CONTINUE);
  }
  setGauge(node, FLOWS, load<u32>(state(node), FLOW_COUNT));
}

function measure(node: usize, buffer: usize, time: u64, since: u64): void {
  const header = packetAt(buffer);
  const bytes = lengthTotal(buffer);
  if (lengthHere(buffer) < IP4_HEADER || version(header) != 4 || headerLength(header) < IP4_HEADER) {
    count(node, UNREADABLE_PACKETS);
    return count(node, UNREADABLE_BYTES, bytes);
  }
  const addresses = load<u64>(header, 12);
  const rest = (<u64>(USED | protocol(header)) << 32) | portsOf(header, lengthHere(buffer));
  const set = setOf(addresses, rest);
  let row = find(node, set, addresses, rest);
  if (row == 0) {
    row = take(node, set, since);
    store<u64>(row, addresses);
    store<u64>(row, rest, PORTS);
    store<u64>(row, time, FIRST);
  }
  store<u64>(row, load<u64>(row, PACKETS) + 1, PACKETS);
  store<u64>(row, load<u64>(row, BYTES) + bytes, BYTES);
  store<u64>(row, time, LAST);
}

/** Both ports as they lie in the packet; 0 where there are none to be read. */
function portsOf(header: usize, here: u32): u32 {
  const number = protocol(header);
  if (number != PROTOCOL_TCP && number != PROTOCOL_UDP && number != PROTOCOL_SCTP) return 0;
  const skip = headerLength(header);
  if (isLaterFragment(header) || min<u32>(here, totalLength(header)) < skip + 4) return 0;
  return load<u32>(header + skip);
}

/** Number of a flow's set. Multiplications by odd numbers, and the high bits, into which all others have gone. */
function setOf(addresses: u64, rest: u64): u32 {
  const mixed = (addresses ^ rotl<u64>(rest * 0x9e3779b97f4a7c15, 32)) * 0xbf58476d1ce4e5b9;
  return <u32>(((mixed ^ (mixed >> 32)) * 0x94d049bb133111eb) >> 57);
}

function rowsOf(node: usize, set: u32): usize { return state(node) + ROWS + <usize>(set * WAYS) * ROW_SIZE; }

/** Address of a flow's row; 0: it has none. */
function find(node: usize, set: u32, addresses: u64, rest: u64): usize {
  let row = rowsOf(node, set);
  for (let k: u32 = 0; k < WAYS; k++, row += ROW_SIZE) if (load<u64>(row) == addresses && load<u64>(row, PORTS) == rest) return row;
  return 0;
}

/** A row for a new flow: an unused one, or that of the flow with the fewest bytes, which it may have had before. */
function take(node: usize, set: u32, since: u64): usize {
  endIdle(node, set, since);
  let row = rowsOf(node, set);
  let least = row;
  for (let k: u32 = 0; k < WAYS; k++, row += ROW_SIZE) if (carried(row) < carried(least)) least = row;
  const largest = state(node) + LARGEST_GONE + <usize>set * 8;
  if (load<u32>(least, PROTOCOL) != 0) {
    store<u64>(largest, max<u64>(load<u64>(largest), carried(least)));
    clear(node, least);
  }
  store<u64>(least, load<u64>(largest), MISSED);
  count(node, BEGUN);
  store<u32>(state(node), load<u32>(state(node), FLOW_COUNT) + 1, FLOW_COUNT);
  return least;
}

/** The most that a flow can have carried; 0: the row is unused. */
function carried(row: usize): u64 { return load<u64>(row, BYTES) + load<u64>(row, MISSED); }

/** Looks at one set a vector for flows that have ended: each has its turn, whether packets come for its set or not. */
function sweep(node: usize, since: u64): void {
  const set = load<u32>(state(node), SWEPT) % SETS;
  endIdle(node, set, since);
  store<u32>(state(node), set + 1, SWEPT);
}

function endIdle(node: usize, set: u32, since: u64): void {
  if (since == 0) return;
  let row = rowsOf(node, set);
  for (let k: u32 = 0; k < WAYS; k++, row += ROW_SIZE) if (load<u32>(row, PROTOCOL) != 0 && load<u64>(row, LAST) < since) clear(node, row);
}

/** Empties a row; what it counted goes to the others. */
function clear(node: usize, row: usize): void {
  count(node, OTHER_PACKETS, load<u64>(row, PACKETS));
  count(node, OTHER_BYTES, load<u64>(row, BYTES));
  for (let at: usize = 0; at < ROW_SIZE; at += 8) store<u64>(row + at, 0);
  store<u32>(state(node), load<u32>(state(node), FLOW_COUNT) - 1, FLOW_COUNT);
}

declareNode({
  name: "flow-meter",
  process: "process",
  next: ["error-drop", "continue"],
  counters: ["other packets", "other bytes", "unreadable packets", "unreadable bytes", "flows begun"],
  gauges: ["flows"],
  state: 66624,
  config: { type: "object", properties: { idle: { type: "integer", description: "seconds" } } },
  tables: [
    {
      name: "flows", at: 1088, rows: 1024, size: 64, used: 12, sort: "bytes",
      columns: [
        { name: "source", at: 0, type: "ipv4" }, { name: "destination", at: 4, type: "ipv4" }, { name: "protocol", at: 12, type: "u8" },
        { name: "source-port", at: 8, type: "u16be" }, { name: "destination-port", at: 10, type: "u16be" }, { name: "packets", at: 16, type: "u64" },
        { name: "bytes", at: 24, type: "u64" }, { name: "missed", at: 32, type: "u64" }, { name: "first", at: 40, type: "u64" },
        { name: "last", at: 48, type: "u64" },
      ],
    },
  ],
});
