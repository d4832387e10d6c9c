// The router that nat44's tests stand it in.
//
//   inside: host-a                     outside: host-b
//   10.0.0.0/16  ──  10.0.0.1  nat44  203.0.113.1  ──  203.0.113.0/24, and 198.51.0.0/16 behind it

import { B_FLAGS, B_FLAG_LOCAL, B_RX_IF, LOOKUP_NEXT_GLEAN, LOOKUP_NEXT_LOCAL, LOOKUP_NEXT_REWRITE } from "../../assembly/abi.js";
import { hexOf } from "./datagrams.js";
import {
  type ExampleNode, type Outcome, type Packet, clock, compileExample, interfaces, loadExample, resetTables, setAdjacency, setRoute,
} from "./harness.js";

export const ADDRESS = "203.0.113.1";
export const CONFIG = { inside: "host-a", outside: "host-b", address: ADDRESS };
export const INSIDE = interfaces["host-a"]!;
export const OUTSIDE = interfaces["host-b"]!;

const wasm = compileExample("nat44");

const ROUTES = [["10.0.0.0/16", 2], ["198.51.0.0/16", 3], ["203.0.113.0/24", 4], ["203.0.113.1/32", 5], ["203.0.113.2/32", 5]] as const;
let nat: ExampleNode | undefined;

/** The node without sessions; it is 1000 s. */
export function freshNat(config: Record<string, unknown> = {}): ExampleNode {
  resetTables();
  setAdjacency(2, { next: LOOKUP_NEXT_REWRITE, tx: INSIDE });
  setAdjacency(3, { next: LOOKUP_NEXT_REWRITE, tx: OUTSIDE });
  setAdjacency(4, { next: LOOKUP_NEXT_GLEAN, tx: OUTSIDE });
  setAdjacency(5, { next: LOOKUP_NEXT_LOCAL, tx: OUTSIDE });
  for (const [prefix, adjacency] of ROUTES) setRoute(prefix, adjacency);
  nat ??= loadExample(wasm, CONFIG)["nat44"]!;
  nat.clear();
  nat.configure({ ...CONFIG, ...config });
  clock.now = 1000e9;
  return nat;
}

type Field = [number, 1 | 2 | 4, number];

/** A packet that an interface has received. */
export function received(rx: number, bytes: number[], ...fields: Field[]): Packet {
  return { hex: hexOf(bytes), fields: [[B_RX_IF, 2, rx], ...fields] };
}

/** One that the router made about a packet that came from there. */
export function made(rx: number, bytes: number[]): Packet {
  return received(rx, bytes, [B_FLAGS, 2, B_FLAG_LOCAL]);
}

/** Sends one packet through the node. */
export function pass(node: ExampleNode, packet: Packet): Outcome {
  return node.send(packet)[0]!;
}
