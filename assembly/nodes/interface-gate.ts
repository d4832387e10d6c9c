// Before a custom node that stands there for some interfaces only: leads their packets to it and all
// others past it. One gate looks at the interface that a packet came from, the other at the one it leaves by.

import { GATE_INTERFACES, INTERFACE_COUNT, NODE_STATE } from "../abi";
import { rxInterface, txInterface } from "../sdk/buffer";
import { bufferAt, setNext } from "../sdk/vector";

const NEXT_GATED: u32 = 1;
const NEXT_PAST: u32 = 2;

export function rxGate(node: usize, frame: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++) setNext(frame, i, gate(node, rxInterface(bufferAt(frame, i))));
}

export function txGate(node: usize, frame: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++) setNext(frame, i, gate(node, txInterface(bufferAt(frame, i))));
}

/** One bit an interface. */
// @ts-ignore: decorator
@inline
function gate(node: usize, index: u32): u32 {
  if (index >= <u32>INTERFACE_COUNT) return NEXT_PAST;
  const word = load<u32>(node + NODE_STATE + (<usize>(index >> 5) << 2), GATE_INTERFACES);
  return ((word >> (index & 31)) & 1) != 0 ? NEXT_GATED : NEXT_PAST;
}

// The host makes one of these for each such place; their next nodes are the custom node and what follows it.
// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({ name: "rx-gate", process: "rxGate", next: ["error-drop"], counters: [], state: 32, trace: {} });
// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({ name: "tx-gate", process: "txGate", next: ["error-drop"], counters: [], state: 32, trace: {} });
