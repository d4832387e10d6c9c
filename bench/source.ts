// A port that hands out packets which were prepared before, so that only what the nodes do is timed. Sending costs nothing.

import {
  B_CSUM_FLAGS, B_DATA, B_FLAGS, B_GSO_SIZE, B_LENGTH, B_NEXT, B_RX_IF, B_STATE, B_TOTAL, BUFFER_DATA, BUFFER_SHIFT, BUFFER_START, BUFFER_USED,
} from "../assembly/abi.js";
import type { PacketMemory } from "../host/memory/memory.js";
import type { Port } from "../host/ports/port.js";

/** Frames to receive, again and again from the first. */
export interface Frames {
  count: number;
  /** frame i, the same each time */
  frame(i: number): Uint8Array;
}

export class Source implements Port {
  readonly handle = null;
  readonly kind = "rdma";
  readonly keepsBuffers = true;
  /** packets that left by this port */
  transmitted = 0;
  private buffers: number[] = [];
  private frames: Frames = { count: 1, frame: () => new Uint8Array(60) };
  private size = 0;
  private nextBuffer = 0;
  private nextFrame = 0;

  constructor(readonly index: number, private readonly packets: PacketMemory) {}

  /**
   * From now on each burst has `size` packets. All buffers are filled with the frames that come next before the first of them is handed out:
   * few buffers are in the processor's nearest cache then, many are not.
   */
  play(frames: Frames, size: number, buffers: number[]): void {
    Object.assign(this, { frames, size, buffers, nextBuffer: 0, nextFrame: 0 });
  }

  receive(frame: number): number {
    if (this.size === 0) return 0;
    if (this.nextBuffer + this.size > this.buffers.length) this.nextBuffer = 0;
    if (this.nextBuffer === 0) this.fill();
    const { u32 } = this.packets;
    for (let i = 0; i < this.size; i++) u32[(frame >> 2) + i] = this.buffers[this.nextBuffer++]!;
    return this.size;
  }

  transmit(_frame: number, n: number): void {
    this.transmitted += n;
  }

  drain(): void {}

  private fill(): void {
    for (const index of this.buffers) {
      this.write((index << BUFFER_SHIFT) >>> 0, this.frames.frame(this.nextFrame));
      this.nextFrame = (this.nextFrame + 1) % this.frames.count;
    }
  }

  private write(buffer: number, bytes: Uint8Array): void {
    if (bytes.length > BUFFER_DATA) throw new Error(`a frame of ${bytes.length} bytes does not fit into a buffer`);
    const { u8, u16, u32 } = this.packets;
    u16[(buffer + B_DATA) >> 1] = BUFFER_START;
    u16[(buffer + B_LENGTH) >> 1] = bytes.length;
    u32[(buffer + B_TOTAL) >> 2] = bytes.length;
    u32[(buffer + B_NEXT) >> 2] = 0;
    u16[(buffer + B_FLAGS) >> 1] = 0;
    u16[(buffer + B_STATE) >> 1] = BUFFER_USED;
    u16[(buffer + B_RX_IF) >> 1] = this.index;
    u16[(buffer + B_GSO_SIZE) >> 1] = 0;
    u8[buffer + B_CSUM_FLAGS] = 0;
    u8.set(bytes, buffer + BUFFER_START);
  }
}
