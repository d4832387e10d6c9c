// What a worker that takes over finds of the packets that host nodes held.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { B_HOLDER, B_STATE, BUFFER_FREE, BUFFER_HELD, BUFFER_SIZE, HOLDER_GLEAN, HOLDER_REASSEMBLY, HOLDER_WORKER_SHIFT } from "../../assembly/abi.js";
import { Mending } from "../../host/graph/mending.js";
import { createMemory, type PacketMemory } from "../../host/memory/memory.js";

const BUFFERS = 1024;

/** Marks a buffer as held; gives its address. */
function hold({ u16, layout }: PacketMemory, buffer: number, holder: number, worker: number): number {
  const at = layout.pool + buffer * BUFFER_SIZE;
  u16[(at + B_STATE) >> 1] = BUFFER_HELD;
  u16[(at + B_HOLDER) >> 1] = holder | (worker << HOLDER_WORKER_SHIFT);
  return at;
}

test("of two workers each finds its own, also in buffers that the other had first", () => {
  const { packets } = createMemory(BUFFERS, 2, () => {});
  const [own, lent] = [hold(packets, 3, HOLDER_GLEAN, 0), hold(packets, BUFFERS - 3, HOLDER_GLEAN, 0)];
  const [borrowed, fragment] = [hold(packets, 4, HOLDER_GLEAN, 1), hold(packets, 5, HOLDER_REASSEMBLY, 1)];
  packets.u16[(hold(packets, 6, HOLDER_GLEAN, 1) + B_STATE) >> 1] = BUFFER_FREE; // was held once
  assert.equal(new Mending(packets, 0).heldBuffers(), { reassembly: [], others: [own, lent] });
  assert.equal(new Mending(packets, 1).heldBuffers(), { reassembly: [fragment], others: [borrowed] });
});

test("one worker finds all, whatever a node has written into their headers", () => {
  const { packets } = createMemory(BUFFERS, 1, () => {});
  const all = [hold(packets, 3, HOLDER_GLEAN, 0), hold(packets, 4, 200, 77)];
  assert.equal(new Mending(packets, 0).heldBuffers(), { reassembly: [], others: all });
});

test.run();
