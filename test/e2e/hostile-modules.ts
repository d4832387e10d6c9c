// Nodes whose authors mean ill, or made a mistake: what verification cannot refuse, since it shows only when they run.

import {
  B_ADJ, B_DATA, B_LENGTH, B_NEXT, B_STATE, B_TOTAL, BUFFER_FREE, COPY_SHIFT, FRAME_NEXT, FREE_LIST_ENTRIES, GRAPH_ASLEEP, GRAPH_COPIES, GRAPH_DROPPED,
  GRAPH_EPOCH, GRAPH_FRAME, GRAPH_MAIL, GRAPH_PACKETS, GRAPH_PENDING, GRAPH_READY, GRAPH_READY_HEAD, GRAPH_READY_TAIL, GRAPH_RUNNING, GRAPH_SHADOW,
  GRAPH_SPARE, MODULE_SIZE, MODULES, NODE_CONFIG, NODE_COUNTERS, NODE_STATE, RUNNING_CONDEMNED, TABLES, WIRING, WORKER_FRAMES, WORKER_FREE_LIST,
  WORKER_INTERFACES, WORKER_NODES, WORKERS,
} from "../../assembly/abi.js";
import { assemble, manifestOf, nodeText } from "../wat/assemble.js";

export interface Hostile {
  /** of the node's function, whose parameters are $node, $frame and $n */
  body: string;
  /** what else is in the module: imports first */
  more?: string;
  /** of the declaration */
  fields?: Record<string, unknown>;
}

/** pass: sets all next slots; fill: words to a value; buffer: address of the frame's first packet. */
const TOOLS = `
  (func $pass (param $frame i32) (param $n i32) (param $slot i32)
    (loop $next (if (local.get $n) (then
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (i32.store16 offset=${FRAME_NEXT} (i32.add (local.get $frame) (i32.shl (local.get $n) (i32.const 1))) (local.get $slot))
      (br $next)))))
  (func $fill (param $at i32) (param $end i32) (param $value i32)
    (loop $next
      (i32.store (local.get $at) (local.get $value))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end)))))
  (func $buffer (param $frame i32) (result i32) (i32.shl (i32.load (local.get $frame)) (i32.const 6)))
`;

/** The file of a hostile node. */
export function moduleOf({ body, more = "", fields }: Hostile): Uint8Array {
  return assemble(nodeText(body, more + TOOLS), manifestOf(fields));
}

const pass = (slot: number): string => `(call $pass (local.get $frame) (local.get $n) (i32.const ${slot}))`;
/** Does something, then lets all packets continue. */
const then = (body: string): string => `${body} ${pass(1)}`;
const store = (at: number | string, value: number): string => `(i32.store (i32.const ${at}) (i32.const ${value}))`;
const FUNCTIONS = '(table 2 funcref) (elem (i32.const 0) $other) (func $other (param i64) (result i64) (local.get 0))';
const RECURSION = "(func $again (param i32) (result i32) (i32.add (i32.const 1) (call $again (local.get 0))))";

/** By name: what the trap says, and the node. */
export const TRAPS: Record<string, [cause: RegExp, Hostile]> = {
  unreachable: [/unreachable/, { body: "(unreachable)" }],
  "a load beyond the memory": [/out of bounds/, { body: "(drop (i32.load (i32.const -8)))" }],
  "a store beyond the memory": [/out of bounds/, { body: store(-8, 1) }],
  "a SIMD store beyond the memory": [/out of bounds/, { body: "(v128.store (i32.const -16) (v128.const i32x4 0 0 0 0))" }],
  "an offset that wraps": [/out of bounds/, { body: "(drop (i64.load offset=4294967295 (i32.const 64)))" }],
  "a load from page zero": [/out of bounds/, { body: "(drop (i32.load (i32.const 0)))" }],
  "a store to page zero": [/out of bounds/, { body: store(16, 1) }],
  "a division by zero": [/divide by zero/, { body: "(drop (i32.div_u (local.get $node) (i32.const 0)))" }],
  "a remainder by zero": [/remainder by zero|divide by zero/, { body: "(drop (i64.rem_s (i64.const 1) (i64.const 0)))" }],
  "a division that overflows": [/divide result unrepresentable/, { body: "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))" }],
  "a float that is no integer": [/float unrepresentable/, { body: "(drop (i32.trunc_f64_s (f64.const nan)))" }],
  "call_indirect, no such index": [/table index is out of bounds/, { body: "(call_indirect (param i64) (result i64) (i64.const 0) (i32.const 9)) (drop)", more: FUNCTIONS }],
  "call_indirect, another signature": [/signature mismatch/, { body: "(call_indirect (i32.const 0))", more: FUNCTIONS }],
  "call_indirect, an empty entry": [/signature mismatch/, { body: "(call_indirect (i32.const 1))", more: FUNCTIONS }],
  "endless recursion": [/call stack/, { body: "(drop (call $again (i32.const 1)))", more: RECURSION }],
  "recursion with a thousand local variables": [/call stack/, {
    body: "(call $deep)", more: `(func $deep (local ${"v128 ".repeat(999)}) (local.set 7 (v128.load (i32.const ${MODULES}))) (call $deep) (v128.store (i32.const ${MODULES}) (local.get 7)))`,
  }],
  "a store to the control block": [/out of bounds/, { body: store(TABLES, 1) }],
  "a store to the wiring": [/out of bounds/, { body: `(i32.store16 (i32.const ${WIRING}) (i32.const 7))` }],
  "a store to its own configuration": [/out of bounds/, {
    body: `(i32.store (i32.load offset=${NODE_CONFIG} (local.get $node)) (i32.const 1))`,
    fields: { config: { type: "object", properties: { limit: { type: "integer", default: 7 } } } },
  }],
};

const IMPORT_LOG = '(import "weft" "log" (func $log (param i32 i32)))';
const IMPORT_NOW = '(import "weft" "now" (func $now (result f64)))';
const endless = (body = ""): string => `(loop $again ${body} (br $again))`;
/** What an endless loop does that would like to be taken for one that gets on. */
export const HANGS: Record<string, Hostile> = {
  "an endless loop": { body: endless() },
  "one that counts": {
    body: endless(`(i64.store offset=${NODE_COUNTERS} (local.get $node) (i64.add (i64.load offset=${NODE_COUNTERS} (local.get $node)) (i64.const 1)))`),
    fields: { counters: ["rounds"] },
  },
  "one that asks for the time": { body: endless("(drop (call $now))"), more: IMPORT_NOW },
  "one that writes log lines": { body: endless(`(call $log (i32.const ${MODULES}) (i32.const 100))`), more: IMPORT_LOG },
  "endless tail of recursion that never grows": { body: endless("(call $pass (local.get $frame) (local.get $n) (i32.const 1))") },
  "one that says it does not run": { body: endless(store(WORKERS + GRAPH_RUNNING, 0)) },
  "one that says it was given up": { body: endless(store(WORKERS + GRAPH_RUNNING, RUNNING_CONDEMNED)) },
  "one that says another node runs": { body: endless(store(WORKERS + GRAPH_RUNNING, 200)) },
  "one that says turns end": {
    body: endless(`(i32.store (i32.const ${WORKERS + GRAPH_EPOCH}) (i32.add (i32.load (i32.const ${WORKERS + GRAPH_EPOCH})) (i32.const 1)))`),
  },
  "one that says it sleeps": { body: endless(store(WORKERS + GRAPH_ASLEEP, 1)) },
};

/** Breaches of the contract about what is left in a frame, by the reason under which they are counted. */
const field = (at: number, value: number | string, width = 32): Hostile => {
  const instruction = width === 32 ? "i32.store" : `i32.store${width}`;
  const word = typeof value === "number" ? `(i32.const ${value})` : value;
  return { body: then(`(${instruction} offset=${at} (call $buffer (local.get $frame)) ${word})`) };
};
const HEADER = "header left inconsistent";
const NEXT = "next slot that does not exist";
export const BREACHES: Record<string, [reason: string, Hostile]> = {
  "next slot 65535": [NEXT, { body: pass(65535) }],
  "a slot beyond those declared": [NEXT, { body: pass(7) }],
  "a copy to a slot beyond those declared": [NEXT, { body: pass(1 | (9 << COPY_SHIFT)) }],
  "B_DATA in the header": [HEADER, field(B_DATA, 8, 16)],
  "B_DATA beyond the buffer": [HEADER, field(B_DATA, 0xffff, 16)],
  "B_LENGTH over the end": [HEADER, field(B_LENGTH, 0xffff, 16)],
  "B_TOTAL without buffers": [HEADER, field(B_TOTAL, 0x7fffffff)],
  "B_NEXT, page zero's neighbour": [HEADER, field(B_NEXT, 1)],
  "B_STATE, as if it were free": [HEADER, field(B_STATE, BUFFER_FREE, 16)],
  "B_ADJ beyond the table": [HEADER, field(B_ADJ, 0x3ffffff)],
  "a chain tied into a ring": [HEADER, field(B_NEXT, "(i32.load (local.get $frame))")],
  "an index of no buffer": [HEADER, { body: then("(i32.store (local.get $frame) (i32.const -1))") }],
  "index 0": [HEADER, { body: then("(i32.store (local.get $frame) (i32.const 0))") }],
  "the free list's next buffer as its own": [HEADER, {
    body: then(`(i32.store (local.get $frame) (i32.load (i32.add (i32.const ${WORKERS + WORKER_FREE_LIST + FREE_LIST_ENTRIES - 4})
      (i32.shl (i32.load (i32.const ${WORKERS + WORKER_FREE_LIST})) (i32.const 2)))))`),
  }],
  "the first packet in every place": [HEADER, {
    body: then(`(local $i i32) (loop $next (i32.store (i32.add (local.get $frame) (i32.shl (local.get $i) (i32.const 2))) (i32.load (local.get $frame)))
      (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $next (i32.lt_u (local.get $i) (local.get $n))))`),
  }],
};

const G = WORKERS;
const LIST = G + WORKER_FREE_LIST;
const fill = (at: number, bytes: number, value: number): string => `(call $fill (i32.const ${at}) (i32.const ${at + bytes}) (i32.const ${value}))`;
const pending = (node: number): number => G + GRAPH_PENDING + node * 8;
/** Puts a node into the ring of those that are ready. */
const ready = (node: number): string =>
  `(i32.store16 offset=${GRAPH_READY} (i32.add (i32.const ${G}) (i32.shl (i32.and (i32.load (i32.const ${G + GRAPH_READY_TAIL})) (i32.const 255)) (i32.const 1))) (i32.const ${node}))
   (i32.store (i32.const ${G + GRAPH_READY_TAIL}) (i32.add (i32.load (i32.const ${G + GRAPH_READY_TAIL})) (i32.const 1)))`;
const scribble = (body: string): Hostile => ({ body: then(body) });

/** Indices of nodes in the graph, where a scribbler aims. */
export interface Aims {
  glean: number;
  punt: number;
  ethernet: number;
  pool: number;
  poolEnd: number;
}

/** Writes to what is the graph's own, which no rule of memory forbids. */
export const scribbles = ({ glean, punt, ethernet, pool, poolEnd }: Aims): Record<string, Hostile> => ({
  "its own counters and what the graph counts for it": { body: then(`(call $fill (local.get $node) (i32.add (local.get $node) (i32.const ${NODE_CONFIG})) (i32.const -1))`) },
  "the other nodes' counters and state": scribble(fill(G + WORKER_NODES, 8192, -1)),
  "the interfaces' counters": scribble(fill(G + WORKER_INTERFACES, 0x10000, -1)),
  "a neighbour's static data": scribble(fill(MODULES + 5 * MODULE_SIZE, MODULE_SIZE, -1)),
  "the free list: more than all buffers": scribble(store(LIST, -1)),
  "the free list: none": scribble(store(LIST, 0)),
  "the free list: entries of no buffer": scribble(fill(LIST + FREE_LIST_ENTRIES, 0x10000, -1)),
  "the free list: the same buffer everywhere": scribble(fill(LIST + FREE_LIST_ENTRIES, 0x10000, pool / 64)),
  "the ready ring: it goes backwards": scribble(store(G + GRAPH_READY_HEAD, 0x7fffffff)),
  "the ready ring: nodes that are not there": scribble(fill(G + GRAPH_READY, 512, 0x00fe00fe) + ready(254)),
  "all frames, the indices in them": scribble(fill(G + WORKER_FRAMES, 0x60000, -1)),
  "its own frame, behind its packets": { body: then("(call $fill (i32.add (local.get $frame) (i32.shl (local.get $n) (i32.const 2))) (i32.add (local.get $frame) (i32.const 1600)) (i32.const 0))") },
  "where frames lie: page zero": scribble(fill(G + GRAPH_PENDING, 2048, 0)),
  "where frames lie: the tables": scribble(store(pending(ethernet), TABLES)),
  "where frames lie: beyond the memory": scribble(fill(G + GRAPH_PENDING, 2048, -64)),
  "where frames lie: the same one for all": scribble(fill(G + GRAPH_PENDING, 2048, G + WORKER_FRAMES)),
  "the spare frame": scribble(store(G + GRAPH_SPARE, 0)),
  "the frame in hand, and how many packets": scribble(store(G + GRAPH_FRAME, 0) + store(G + GRAPH_PACKETS, -1)),
  "the note of the packets in hand": scribble(fill(G + GRAPH_SHADOW, 2048, 0)),
  "copies that wait": scribble(store(G + GRAPH_COPIES, -1)),
  "what the graph has counted": scribble(fill(G + GRAPH_DROPPED, 32, -1)),
  "who runs: it was given up": scribble(store(G + GRAPH_RUNNING, RUNNING_CONDEMNED)),
  "mail and sleep": scribble(store(G + GRAPH_MAIL, 77) + store(G + GRAPH_ASLEEP, 1)),
  "ip4-glean is to work on page zero": scribble(store(pending(glean), 0) + store(pending(glean) + 4, 1) + ready(glean)),
  "ip4-glean is to work on buffer 0": scribble(`(i32.store (i32.load (i32.const ${pending(glean)})) (i32.const 0))` + store(pending(glean) + 4, 1) + ready(glean)),
  "punt is to write to the tables": scribble(store(pending(punt), TABLES) + store(pending(punt) + 4, 256) + ready(punt)),
  "ip4-glean is to read adjacencies of page zero": {
    body: `(i32.store offset=${B_ADJ} (call $buffer (local.get $frame)) (i32.const ${0x3ffffff - 3070}))
      (i32.store (i32.load (i32.const ${pending(glean)})) (i32.load (local.get $frame))) ${store(pending(glean) + 4, 1)} ${ready(glean)} ${pass(1)}`,
  },
  "the headers of all buffers": scribble(fill(pool, poolEnd - pool, -1)),
  "the states of all buffers": scribble(`(local $at i32) (local.set $at (i32.const ${pool}))
    (loop $next (i32.store16 offset=${B_STATE} (local.get $at) (i32.const 0x5a5a)) (local.set $at (i32.add (local.get $at) (i32.const 2240)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const ${poolEnd}))))`),
  "everything of its worker": scribble(fill(G, NODE_STATE + 0x400000, 0)),
  "everything of its worker, ones": scribble(fill(G, 0x400000, -1)),
});
