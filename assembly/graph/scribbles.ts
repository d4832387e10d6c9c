// All nodes share one memory, so one from outside can write over what is the graph's own. What it must not change while it runs is kept
// in globals meanwhile, which lie outside the memory, and put back; what nobody can keep is judged before others work with it.

import {
  BUFFER_ALIGN, BUFFER_SHIFT, BUFFER_SIZE, BUFFER_USED, B_DATA, B_LENGTH, FRAME_SIZE, GRAPH_ASLEEP, GRAPH_BAD_BUFFER, GRAPH_CHAINED,
  GRAPH_CIRCLED, GRAPH_COPIES, GRAPH_DROPPED, GRAPH_FRAME, GRAPH_HELD, GRAPH_NO_COPY, GRAPH_ORIGINATED, GRAPH_READY_HEAD, GRAPH_SPARE, VECTOR,
  WORKER_FRAMES, WORKER_FREE_LIST,
} from "../abi";
import { isBuffer } from "./pool";

let ready: u64 = 0; // head and tail
let spare: u64 = 0; // and the epoch
let dropped: u64 = 0;
let badBuffer: u64 = 0;
let held: u64 = 0;
let originated: u64 = 0;
let inHand: u64 = 0; // frame and packets
let asleep: u32 = 0;
let copies: u32 = 0;
let noCopy: u64 = 0;
let circled: u64 = 0;
let chained: u64 = 0; // and the buffers that are held
let free: u32 = 0;

/** Before a node from outside runs. GRAPH_MAIL is not kept: the control plane writes there at any time. */
export function seal(graph: usize): void {
  ready = load<u64>(graph, GRAPH_READY_HEAD);
  spare = load<u64>(graph, GRAPH_SPARE);
  dropped = load<u64>(graph, GRAPH_DROPPED);
  badBuffer = load<u64>(graph, GRAPH_BAD_BUFFER);
  held = load<u64>(graph, GRAPH_HELD);
  originated = load<u64>(graph, GRAPH_ORIGINATED);
  inHand = load<u64>(graph, GRAPH_FRAME);
  asleep = load<u32>(graph, GRAPH_ASLEEP);
  copies = load<u32>(graph, GRAPH_COPIES);
  noCopy = load<u64>(graph, GRAPH_NO_COPY);
  circled = load<u64>(graph, GRAPH_CIRCLED);
  chained = load<u64>(graph, GRAPH_CHAINED);
  free = load<u32>(graph + WORKER_FREE_LIST);
}

/** After it: puts back what it has changed of that, and tells whether it had. */
export function unseal(graph: usize): bool {
  const changed = (ready ^ load<u64>(graph, GRAPH_READY_HEAD)) | (spare ^ load<u64>(graph, GRAPH_SPARE))
    | (dropped ^ load<u64>(graph, GRAPH_DROPPED)) | (badBuffer ^ load<u64>(graph, GRAPH_BAD_BUFFER)) | (held ^ load<u64>(graph, GRAPH_HELD))
    | (originated ^ load<u64>(graph, GRAPH_ORIGINATED)) | (inHand ^ load<u64>(graph, GRAPH_FRAME))
    | <u64>(asleep ^ load<u32>(graph, GRAPH_ASLEEP)) | <u64>(copies ^ load<u32>(graph, GRAPH_COPIES))
    | (noCopy ^ load<u64>(graph, GRAPH_NO_COPY)) | (circled ^ load<u64>(graph, GRAPH_CIRCLED))
    | (chained ^ load<u64>(graph, GRAPH_CHAINED)) | <u64>(free ^ load<u32>(graph + WORKER_FREE_LIST));
  if (changed == 0) return false;
  store<u64>(graph, ready, GRAPH_READY_HEAD);
  store<u64>(graph, spare, GRAPH_SPARE);
  store<u64>(graph, dropped, GRAPH_DROPPED);
  store<u64>(graph, badBuffer, GRAPH_BAD_BUFFER);
  store<u64>(graph, held, GRAPH_HELD);
  store<u64>(graph, originated, GRAPH_ORIGINATED);
  store<u64>(graph, inHand, GRAPH_FRAME);
  store<u32>(graph, asleep, GRAPH_ASLEEP);
  store<u32>(graph, copies, GRAPH_COPIES);
  store<u64>(graph, noCopy, GRAPH_NO_COPY);
  store<u64>(graph, circled, GRAPH_CIRCLED);
  store<u64>(graph, chained, GRAPH_CHAINED);
  store<u32>(graph + WORKER_FREE_LIST, free);
  return true;
}

/** Whether a frame of this length can lie at an address. */
// @ts-ignore: decorator
@inline
export function isFrame(graph: usize, frame: u32, n: u32): bool {
  const first = <u32>graph + WORKER_FRAMES;
  return frame - first <= <u32>(WORKER_FREE_LIST - WORKER_FRAMES - FRAME_SIZE) && (frame - first) % FRAME_SIZE == 0 && n - 1 < <u32>VECTOR;
}

/** Whether a frame's packets are such that JavaScript may look at them: where it leaves the memory that is its own, no trap stops it. */
export function isSafe(frame: usize, n: u32): bool {
  for (let i: u32 = 0; i < n; i++) {
    const index = load<u32>(frame + (<usize>i << 2));
    if (!isBuffer(index, BUFFER_USED)) return false;
    const buffer = <usize>index << BUFFER_SHIFT;
    const data = <u32>load<u16>(buffer, B_DATA);
    if (data < <u32>BUFFER_ALIGN || data + load<u16>(buffer, B_LENGTH) > <u32>BUFFER_SIZE) return false;
  }
  return true;
}
