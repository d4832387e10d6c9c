// Nodes whose authors mean ill, or made a mistake: what verification cannot refuse, since it shows only when they run.

import {
  B_DATA, B_LENGTH, B_NEXT, B_STATE, B_TOTAL, BUFFER_FREE, BUFFER_SHIFT, BUFFER_SIZE, BUFFER_USED, COPY_SHIFT, FRAME_NEXT, FRAME_SIZE,
  FREE_LIST_ENTRIES, GRAPH_ASLEEP, GRAPH_COPIES, GRAPH_DROPPED, GRAPH_EPOCH, GRAPH_FRAME, GRAPH_MAIL, GRAPH_PACKETS, GRAPH_PENDING, GRAPH_READY,
  GRAPH_READY_HEAD, GRAPH_READY_TAIL, GRAPH_SHADOW, GRAPH_SPARE, MODULE_SIZE, MODULES, NODE_CONFIG, NODE_COUNTERS, TABLES, WIRING, WORKER_FRAMES,
  WORKER_FREE_LIST, WORKER_INTERFACES, WORKER_NODES, WORKERS,
} from "../../assembly/abi.js";
import { assemble, manifestOf, nodeText } from "../wat/assemble.js";

export interface Hostile {
  /** of the node's function, whose parameters are $node, $frame and $n */
  body: string;
  /** what else is in the module: imports first */
  more?: string;
  /** of the declaration */
  fields?: Record<string, unknown>;
  /** declaration of a second node */
  second?: Record<string, unknown>;
  /** pages that it declares to need */
  pages?: number;
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
  (func $buffer (param $frame i32) (result i32) (i32.shl (i32.load (local.get $frame)) (i32.const ${BUFFER_SHIFT})))
`;

/** The file of a hostile node. */
export function moduleOf({ body, more = "", fields, second, pages = 1 }: Hostile): Uint8Array {
  const manifest = manifestOf(fields);
  if (second) manifest.nodes.push(...manifestOf(second).nodes);
  return assemble(nodeText(body, more + TOOLS).replace("(memory 1)", `(memory ${pages})`), manifest);
}

/** Sends all packets by one slot. */
export const pass = (slot = 1): string => `(call $pass (local.get $frame) (local.get $n) (i32.const ${slot}))`;
/** Does something, then lets all packets continue. */
const then = (body: string): string => `${body} ${pass()}`;
const store = (at: number, value: number): string => `(i32.store (i32.const ${at}) (i32.const ${value}))`;
const add = (at: string, by: number): string => `(i32.store ${at} (i32.add (i32.load ${at}) (i32.const ${by})))`;
const FUNCTIONS = '(table 2 funcref) (elem (i32.const 0) $other) (func $other (param i64) (result i64) (local.get 0))';
const RECURSION = "(func $again (param i32) (result i32) (i32.add (i32.const 1) (call $again (local.get 0))))";
const DEEP = `(func $deep (local ${"v128 ".repeat(999)}) (local.set 7 (v128.load (i32.const ${MODULES}))) (call $deep)
  (v128.store (i32.const ${MODULES}) (local.get 7)))`;

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
  "call_indirect, no such index": [/table index is out of bounds/, {
    body: "(call_indirect (param i64) (result i64) (i64.const 0) (i32.const 9)) (drop)", more: FUNCTIONS,
  }],
  "call_indirect, another signature": [/signature mismatch/, { body: "(call_indirect (i32.const 0))", more: FUNCTIONS }],
  "call_indirect, an empty entry": [/signature mismatch/, { body: "(call_indirect (i32.const 1))", more: FUNCTIONS }],
  "endless recursion": [/call stack/, { body: "(drop (call $again (i32.const 1)))", more: RECURSION }],
  "recursion with a thousand local variables": [/call stack/, { body: "(call $deep)", more: DEEP }],
  "a store to the control block": [/out of bounds/, { body: store(TABLES, 1) }],
  "a store to the wiring": [/out of bounds/, { body: `(i32.store16 (i32.const ${WIRING}) (i32.const 7))` }],
  "a store to its own configuration": [/out of bounds/, {
    body: `(i32.store (i32.load offset=${NODE_CONFIG} (local.get $node)) (i32.const 1))`,
    fields: { config: { type: "object", properties: { limit: { type: "integer", default: 7 } } } },
  }],
};

/** Imports of a module. */
export const LOG = '(import "weft" "log" (func $log (param i32 i32)))';
const NOW = '(import "weft" "now" (func $now (result f64)))';
const counter = `(i32.add (local.get $node) (i32.const ${NODE_COUNTERS}))`;
const endless = (body = ""): string => `(loop $again ${body} (br $again))`;
/** Endless loops, most of which would like to be taken for something that gets on. */
export const HANGS: Record<string, Hostile> = {
  "an endless loop": { body: endless() },
  "one that counts": { body: endless(add(counter, 1)), fields: { counters: ["rounds"] } },
  "one that sets its next slots again and again": { body: endless(pass()) },
  "one that asks for the time": { body: endless("(drop (call $now))"), more: NOW },
  "one that writes log lines": { body: endless(`(call $log (i32.const ${MODULES}) (i32.const 100))`), more: LOG },
  "one that says turns end": { body: endless(add(`(i32.const ${WORKERS + GRAPH_EPOCH})`, 1)) },
  "one that says it sleeps": { body: endless(store(WORKERS + GRAPH_ASLEEP, 1)) },
  "one that empties the graph block": { body: endless(`(call $fill (i32.const ${WORKERS}) (i32.const ${WORKERS + 0x4000}) (i32.const 0))`) },
  "one that spoils its packet first": {
    body: `(call $fill (call $buffer (local.get $frame)) (i32.add (call $buffer (local.get $frame)) (i32.const 64)) (i32.const -1)) ${endless()}`,
  },
};

const field = (at: number, value: number | string, width = 32): Hostile => {
  const instruction = width === 32 ? "i32.store" : `i32.store${width}`;
  const word = typeof value === "number" ? `(i32.const ${value})` : value;
  return { body: then(`(${instruction} offset=${at} (call $buffer (local.get $frame)) ${word})`) };
};
const HEADER = "header left inconsistent";
const NEXT = "next slot that does not exist";
/** What a node must not leave in its frame, with the reason under which it is counted. */
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
  "a chain tied into a ring": [HEADER, field(B_NEXT, "(i32.load (local.get $frame))")],
  "an index of no buffer": [HEADER, { body: then("(i32.store (local.get $frame) (i32.const -1))") }],
  "index 0": [HEADER, { body: then("(i32.store (local.get $frame) (i32.const 0))") }],
  "the free list's next buffer as its own": [HEADER, {
    body: then(`(i32.store (local.get $frame) (i32.load (i32.add (i32.const ${WORKERS + WORKER_FREE_LIST + FREE_LIST_ENTRIES - 4})
      (i32.shl (i32.load (i32.const ${WORKERS + WORKER_FREE_LIST})) (i32.const 2)))))`),
  }],
};

const LIST = WORKERS + WORKER_FREE_LIST;
const fill = (at: number, bytes: number, value: number): string => `(call $fill (i32.const ${at}) (i32.const ${at + bytes}) (i32.const ${value}))`;
const pending = (node: number): number => WORKERS + GRAPH_PENDING + node * 8;
const word = (offset: number, value: number): string => store(WORKERS + offset, value);
/** Puts a node into the ring of those that are ready. */
const ready = (node: number): string => {
  const tail = `(i32.const ${WORKERS + GRAPH_READY_TAIL})`;
  const place = `(i32.shl (i32.and (i32.load ${tail}) (i32.const 255)) (i32.const 1))`;
  return `(i32.store16 offset=${GRAPH_READY} (i32.add (i32.const ${WORKERS}) ${place}) (i32.const ${node})) ${add(tail, 1)}`;
};

/** Where a scribbler aims: indices of nodes, and the pool. */
export interface Aims {
  glean: number;
  punt: number;
  ethernet: number;
  pool: number;
  poolEnd: number;
}

/**
 * What becomes of it: undone: noticed as soon as the node returns, and as it was; mended: found when the graph needs it, packets that are under
 * way are lost; in time: the same, but at the latest when the node is unloaded; survived: nobody notices, and nothing but what stood there is
 * harmed.
 */
export type Fate = "undone" | "mended" | "in time" | "survived";

/** Nodes that write to what is the graph's own, or others', which no rule of memory forbids. Their packets continue. */
export function scribbles({ glean, punt, ethernet, pool, poolEnd }: Aims): Record<string, [fate: Fate, body: string]> {
  const states = `(local $at i32) (local.set $at (i32.const ${pool}))
    (loop $next (i32.store16 offset=${B_STATE} (local.get $at) (i32.const ${BUFFER_USED}))
    (local.set $at (i32.add (local.get $at) (i32.const ${BUFFER_SIZE}))) (br_if $next (i32.lt_u (local.get $at) (i32.const ${poolEnd}))))`;
  const index = pool >>> BUFFER_SHIFT;
  return {
    "what the graph counts for it": ["survived", `(call $fill (local.get $node) (i32.add (local.get $node) (i32.const 48)) (i32.const -1))`],
    "other nodes' counters and state": ["survived", fill(WORKERS + WORKER_NODES, 4096, -1)],
    "another module's static data": ["survived", fill(MODULES + 5 * MODULE_SIZE, MODULE_SIZE, -1)],
    "its frame, behind its packets": ["survived", `(i32.store offset=${FRAME_SIZE - 4} (local.get $frame) (i32.const -1))`],
    "the interfaces' counters": ["survived", fill(WORKERS + WORKER_INTERFACES, 0x10000, -1)],
    "the free list's length, huge": ["undone", store(LIST, -1)],
    "the free list's length, nothing": ["undone", store(LIST, 0)],
    "the free list's entries, no buffers": ["in time", fill(LIST + FREE_LIST_ENTRIES, 0x10000, -1)],
    "the free list's entries, all the same": ["in time", fill(LIST + FREE_LIST_ENTRIES, 0x10000, index)],
    "the ready ring goes backwards": ["undone", word(GRAPH_READY_HEAD, 0x7fffffff)],
    "a node that is not there is ready": ["undone", ready(254)],
    "the ready ring's places": ["survived", fill(WORKERS + GRAPH_READY, 512, 0x00fe00fe)],
    "frames on page zero": ["mended", fill(pending(0), 2048, 0)],
    "frames on the tables": ["mended", store(pending(ethernet), TABLES)],
    "frames beyond the memory": ["mended", fill(pending(0), 2048, -64)],
    "one frame for all": ["mended", fill(pending(0), 2048, WORKERS + WORKER_FRAMES)],
    "the spare frame": ["undone", word(GRAPH_SPARE, 0)],
    "the frame in hand": ["undone", word(GRAPH_FRAME, 0) + word(GRAPH_PACKETS, -1)],
    "the note of its packets": ["mended", fill(WORKERS + GRAPH_SHADOW, 2048, 0)],
    "copies that wait": ["undone", word(GRAPH_COPIES, -1)],
    "what the graph counts": ["undone", fill(WORKERS + GRAPH_DROPPED, 32, -1)],
    "sleep and mail": ["undone", word(GRAPH_ASLEEP, 1) + word(GRAPH_MAIL, 77)],
    "ip4-glean is to work on page zero": ["undone", store(pending(glean), 0) + store(pending(glean) + 4, 1) + ready(glean)],
    "punt is to write to the tables": ["undone", store(pending(punt), TABLES) + store(pending(punt) + 4, 256) + ready(punt)],
    "the headers of all buffers": ["in time", fill(pool, poolEnd - pool, -1)],
    "the states of all buffers": ["in time", states],
    "the whole graph block": ["mended", fill(WORKERS, 0x4000, 0)],
    "the graph block, the frames and the free list": ["mended", fill(WORKERS, 0x4000, -1) + fill(WORKERS + WORKER_FRAMES, 0x100000, -1)],
  };
}

/** A node that scribbles, then lets its packets continue. */
export const scribbler = (body: string): Hostile => ({ body: then(body) });
