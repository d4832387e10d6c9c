// Puts a graph in order whose memory a node from outside has written over: whatever was on its way is dropped, frames are laid anew,
// and every buffer is where it belongs.

import {
  B_HOLDER, B_NEXT, B_STATE, BUFFER_FREE, BUFFER_HELD, BUFFER_SHIFT, BUFFER_SIZE, BUFFER_USED, FRAME_SIZE, FREE_LIST_ENTRIES, GRAPH_COPIES,
  GRAPH_DROPPED, GRAPH_HELD, GRAPH_HELD_BUFFERS, GRAPH_ORIGINATED, GRAPH_PENDING, GRAPH_PENDING_SIZE, GRAPH_READY_HEAD, GRAPH_READY_TAIL,
  HOLDER_REASSEMBLY, HOLDER_WORKER_SHIFT, IFC_FAULT_RX_LOST, IFC_FAULT_TX_LOST,
  IFC_RX_PACKETS, IFC_SIZE, IFC_TX_DOWN, IFC_TX_ERROR, IFC_TX_NO_ROOM, IFC_TX_PACKETS,
  IFC_TX_TOO_LONG, INTERFACE_COUNT, NODE_COUNT, VECTOR, WORKER_FRAMES, WORKER_FREE_LIST, WORKER_INTERFACES,
} from "../../assembly/abi.js";
import { layFrames, type PacketMemory, workerAt } from "../memory/memory.js";

/** Counters of a port in which packets end. */
const SENT = [IFC_TX_PACKETS, IFC_TX_NO_ROOM, IFC_TX_DOWN, IFC_TX_TOO_LONG, IFC_TX_ERROR, IFC_FAULT_RX_LOST, IFC_FAULT_TX_LOST];

export class Mending {
  private readonly base: number;
  /** how many buffers are the worker's, and the first one's address */
  private readonly buffers: number;
  private readonly first: number;

  constructor(private readonly packets: PacketMemory, private readonly worker: number) {
    const { pool, buffers, workers } = packets.layout;
    this.base = workerAt(worker);
    const before = Math.floor((buffers * worker) / workers);
    this.buffers = Math.floor((buffers * (worker + 1)) / workers) - before;
    this.first = pool + before * BUFFER_SIZE;
  }

  /** Whether every buffer is free or held, as it is when the graph is at rest. Not for ports whose devices work in the pool. */
  whole(): boolean {
    const { u32 } = this.packets;
    return u32[(this.base + WORKER_FREE_LIST) >> 2]! + u32[(this.base + GRAPH_HELD_BUFFERS) >> 2]! === this.buffers;
  }

  /** Empties the graph, `release` what can be found in its frames. */
  layAnew(release: (index: number) => void): void {
    const { u32 } = this.packets;
    for (let node = 0; node < NODE_COUNT; node++) {
      const pending = (this.base + GRAPH_PENDING + node * GRAPH_PENDING_SIZE) >> 2;
      const [frame, n] = [u32[pending]!, u32[pending + 1]!];
      u32[pending + 1] = 0;
      if (n <= VECTOR && this.isFrame(frame)) for (let i = 0; i < n; i++) release(u32[(frame >> 2) + i]!);
    }
    for (const word of [GRAPH_READY_HEAD, GRAPH_READY_TAIL, GRAPH_COPIES]) u32[(this.base + word) >> 2] = 0;
    layFrames(this.packets, this.base);
  }

  /** Addresses of the buffers that this worker's host nodes hold, which another one may have had before: ip4-reassembly's, and all others. */
  heldBuffers(): { reassembly: number[]; others: number[] } {
    const { u16, layout: { pool, poolEnd, workers } } = this.packets;
    const found = { reassembly: [] as number[], others: [] as number[] };
    for (let buffer = pool; buffer < poolEnd; buffer += BUFFER_SIZE) {
      if (u16[(buffer + B_STATE) >> 1] !== BUFFER_HELD) continue;
      const holder = u16[(buffer + B_HOLDER) >> 1]!;
      if (workers > 1 && holder >> HOLDER_WORKER_SHIFT !== this.worker) continue;
      ((holder & ((1 << HOLDER_WORKER_SHIFT) - 1)) === HOLDER_REASSEMBLY ? found.reassembly : found.others).push(buffer);
    }
    return found;
  }

  /** Puts every buffer that is not held back into the free list; what has no other end by now was dropped. The graph must be empty. */
  sweep(held: Set<number>): void {
    const { u16, u32, u64 } = this.packets;
    const list = (this.base + WORKER_FREE_LIST) >> 2;
    const followers = this.followers(held);
    let [free, kept] = [0, 0];
    for (let buffer = this.buffers - 1; buffer >= 0; buffer--) {
      const address = this.first + buffer * BUFFER_SIZE;
      const state = (address + B_STATE) >> 1;
      const index = address >>> BUFFER_SHIFT;
      if (u16[state] === BUFFER_HELD && held.has(index)) {
        kept++;
        continue;
      }
      if (followers.has(index)) continue;
      u16[state] = BUFFER_FREE;
      u32[list + (FREE_LIST_ENTRIES >> 2) + free++] = index;
    }
    u32[list] = free;
    u64[(this.base + GRAPH_HELD) >> 3] = BigInt(kept);
    u32[(this.base + GRAPH_HELD_BUFFERS) >> 2] = kept + followers.size;
    u64[(this.base + GRAPH_DROPPED) >> 3]! += this.missing();
  }

  /** The buffers in the chains of held packets that come after the first. */
  private followers(held: Set<number>): Set<number> {
    const { u16, u32 } = this.packets;
    const found = new Set<number>();
    for (const index of held) {
      const first = (index << BUFFER_SHIFT) >>> 0;
      if (u16[(first + B_STATE) >> 1] !== BUFFER_HELD) continue;
      const after = (buffer: number): number => u32[(buffer + B_NEXT) >> 2]!;
      for (let next = after(first); this.isInUse(next) && !found.has(next); next = after((next << BUFFER_SHIFT) >>> 0)) found.add(next);
    }
    return found;
  }

  private isInUse(index: number): boolean {
    const offset = index * 2 ** BUFFER_SHIFT - this.first;
    if (offset < 0 || offset >= this.buffers * BUFFER_SIZE || offset % BUFFER_SIZE !== 0) return false;
    return this.packets.u16[(this.first + offset + B_STATE) >> 1] === BUFFER_USED;
  }

  /** Packets that have come and gone nowhere. */
  private missing(): bigint {
    const { u64 } = this.packets;
    const graph = (offset: number): bigint => u64[(this.base + offset) >> 3]!;
    let missing = graph(GRAPH_ORIGINATED) - graph(GRAPH_DROPPED) - graph(GRAPH_HELD);
    for (let index = 0; index < INTERFACE_COUNT; index++) {
      const block = WORKER_INTERFACES + index * IFC_SIZE;
      missing += graph(block + IFC_RX_PACKETS) - SENT.reduce((sum, offset) => sum + graph(block + offset), 0n);
    }
    return missing;
  }

  private isFrame(frame: number): boolean {
    const offset = frame - this.base - WORKER_FRAMES;
    return offset >= 0 && offset <= NODE_COUNT * FRAME_SIZE && offset % FRAME_SIZE === 0;
  }
}
