// Hands each packet to the port of its transmit interface, if that interface is up.

import { IF_FLAGS, IF_FLAG_ADMIN_UP, IF_FLAG_LINK_UP, INTERFACE_COUNT } from "../abi";
import { txInterface } from "../sdk/buffer";
import { interfaceAt, interfaceFlags, interfaceTxSlot } from "../sdk/tables";
import { NEXT_DROP, ODD, bufferAt, drop, nextAt, setFourNext, setNext } from "../sdk/vector";

const UP: u32 = IF_FLAG_ADMIN_UP | IF_FLAG_LINK_UP;

const NO_INTERFACE: u32 = 0;
const ADMIN_DOWN: u32 = 1;
const LINK_DOWN: u32 = 2;
const NO_PORT: u32 = 3;

export function interfaceOutput(node: usize, frame: usize, n: u32): void {
  let odd: u32 = 0;
  for (let i: u32 = 0; i < n; ) {
    const slot = slotOf(txInterface(bufferAt(frame, i)));
    if (i + 4 <= n && haveOneWay(frame + (<usize>i << 2))) {
      setFourNext(frame, i, slot);
      i += 4;
    } else {
      setNext(frame, i++, slot);
    }
    odd |= u32(slot == ODD);
  }
  if (odd == 0) return;
  for (let i: u32 = 0; i < n; i++) if (nextAt(frame, i) == ODD) setNext(frame, i, portOf(node, bufferAt(frame, i)));
}

/** Whether four packets, whose indices stand at `places` of a frame, leave by the same interface. */
// @ts-ignore: decorator
@inline
function haveOneWay(places: usize): bool {
  const tx = txInterface(bufferAt(places, 0));
  return ((txInterface(bufferAt(places, 1)) ^ tx) | (txInterface(bufferAt(places, 2)) ^ tx) | (txInterface(bufferAt(places, 3)) ^ tx)) == 0;
}

/** The slot of an interface that is up. */
// @ts-ignore: decorator
@inline
function slotOf(index: u32): u32 {
  if (index >= <u32>INTERFACE_COUNT) return ODD;
  const port = load<u64>(interfaceAt(index), IF_FLAGS); // flags, MTU, slot
  if ((<u32>port & UP) != UP) return ODD;
  const slot = <u32>(port >> 48);
  return slot == NEXT_DROP ? ODD : slot;
}

function portOf(node: usize, buffer: usize): u32 {
  const index = txInterface(buffer);
  if (index >= <u32>INTERFACE_COUNT) return drop(node, NO_INTERFACE);
  const entry = interfaceAt(index);
  const state = interfaceFlags(entry);
  if ((state & IF_FLAG_ADMIN_UP) == 0) return drop(node, ADMIN_DOWN);
  if ((state & IF_FLAG_LINK_UP) == 0) return drop(node, LINK_DOWN);
  const slot = interfaceTxSlot(entry);
  if (slot == NEXT_DROP) return drop(node, NO_PORT);
  return slot;
}

// The host adds one next slot for each port.
// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "interface-output",
  process: "interfaceOutput",
  next: ["error-drop"],
  counters: ["no such interface", "interface administratively down", "link down", "interface has no port"],
  trace: { layer: "ethernet", packet: ["tx-interface"] },
});
