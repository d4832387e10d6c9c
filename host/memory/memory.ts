// The one WebAssembly memory: where its parts lie, and the buffer pool in it. assembly/abi.ts draws the map.

import {
  BUFFER_ALIGN, BUFFER_COUNT_MAX, BUFFER_SHIFT, BUFFER_SIZE, CONTRACT_VERSION, CONTROL, CONTROL_CONTRACT, CONTROL_POOL,
  CONTROL_POOL_END, FRAME_SIZE, FREE_LIST_ENTRIES, GRAPH_PENDING, GRAPH_PENDING_SIZE, GRAPH_SPARE, NODE_CONFIG, NODE_CONFIG_SIZE, NODE_COUNT,
  NODE_STATE, PAGE, TABLES, TABLES_END, WORKERS, WORKER_FRAMES, WORKER_FREE_LIST, WORKER_SIZE,
} from "../../assembly/abi.js";
import { addon } from "../addon.js";
import { WeftError } from "../errors.js";

const HUGE_PAGE = 2 * 1024 * 1024;
const BUFFERS_MIN = 1024;
const BUFFERS_DEFAULT = 16384;
/** A worker's least share: a super-packet takes 33, which must be there while others are held, or its ring stands still for good. */
const BUFFERS_PER_WORKER = 128;

/** Where the pool lies; the same in every thread. */
export interface Layout {
  /** addresses of the first buffer and after the last one */
  pool: number;
  poolEnd: number;
  buffers: number;
  workers: number;
}

/** A packet memory as another thread receives it. */
export interface SharedMemory {
  memory: WebAssembly.Memory;
  layout: Layout;
}

/** Address of a worker's region. */
export function workerAt(worker: number): number {
  return WORKERS + worker * WORKER_SIZE;
}

/** Views of the linear memory. The tables in it must be written through `tables` only: a store by address would end the process. */
export class PacketMemory {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly u64: BigUint64Array;
  readonly f64: Float64Array;
  readonly view: DataView;

  constructor(readonly memory: WebAssembly.Memory, readonly layout: Layout) {
    const bytes = memory.buffer;
    this.u8 = new Uint8Array(bytes);
    this.u16 = new Uint16Array(bytes);
    this.u32 = new Uint32Array(bytes);
    this.i32 = new Int32Array(bytes);
    this.u64 = new BigUint64Array(bytes);
    this.f64 = new Float64Array(bytes);
    this.view = new DataView(bytes);
  }

  /** A 64-bit counter as a number. */
  counter(address: number): number {
    return Number(this.u64[address >> 3]);
  }

  /** Makes a node's runtime block one of a node that has done nothing yet; `config`: address of its configuration, 0 for none. */
  clearNode(block: number, state: number, config: number, configSize: number): void {
    this.u8.fill(0, block, block + NODE_STATE + state);
    this.u32[(block + NODE_CONFIG) >> 2] = config;
    this.u32[(block + NODE_CONFIG_SIZE) >> 2] = configSize;
  }

  /** Buffers in the free list of a worker. */
  free(worker: number): number {
    return this.u32[(workerAt(worker) + WORKER_FREE_LIST) >> 2]!;
  }
}

/** The memory as its maker has it: with the writable mapping of the tables. */
export interface OwnedMemory {
  packets: PacketMemory;
  tables: ArrayBuffer;
  /** bytes of the pages under the pool */
  pageSize: number;
}

/**
 * Makes the memory and lays it out: page zero inaccessible, tables read-only, pool on huge pages where there are any.
 * Throws BAD_ARGUMENT for a count out of range, NO_MEMORY when the system has too little.
 */
export function createMemory(buffers: number, workers: number, notice: (line: string) => void): OwnedMemory {
  if (!Number.isInteger(buffers) || buffers < BUFFERS_MIN || buffers > BUFFER_COUNT_MAX) {
    throw new WeftError("BAD_ARGUMENT", `buffers: ${buffers} is not a whole number from ${BUFFERS_MIN} to ${BUFFER_COUNT_MAX}`);
  }
  if (buffers < workers * BUFFERS_PER_WORKER) {
    const mend = `ask for ${workers * BUFFERS_PER_WORKER} or more, or for fewer workers`;
    throw new WeftError("BAD_ARGUMENT", `buffers: ${buffers} are too few for ${workers} workers: ${mend}`);
  }
  const poolBytes = roundUp(buffers * BUFFER_SIZE, HUGE_PAGE);
  const total = workerAt(workers) + poolBytes + HUGE_PAGE;
  const memory = allocate(total, buffers);
  const bytes = new Uint8Array(memory.buffer);

  const pool = alignedPool(workerAt(workers), addon.memoryOffset(bytes));
  const layout: Layout = { pool, poolEnd: pool + buffers * BUFFER_SIZE, buffers, workers };
  const mapped = map(bytes, pool, pool + poolBytes);
  if (!mapped.hugePages) {
    const needed = poolBytes / HUGE_PAGE;
    notice(`no huge pages: the pool uses normal ones, which is slower; "sysctl -w vm.nr_hugepages=${needed}" gives it ${needed}`);
  }
  const packets = new PacketMemory(memory, layout);
  const control = new DataView(mapped.tables, CONTROL - TABLES);
  control.setUint32(CONTROL_CONTRACT, CONTRACT_VERSION, true);
  control.setUint32(CONTROL_POOL, layout.pool, true);
  control.setUint32(CONTROL_POOL_END, layout.poolEnd, true);
  fillFreeLists(packets);
  for (let worker = 0; worker < workers; worker++) layFrames(packets, workerAt(worker));
  return { packets, tables: mapped.tables, pageSize: mapped.hugePages ? HUGE_PAGE : 4096 };
}

/** How many buffers a router gets: the number asked for, or as many as fit the size asked for. Throws BAD_ARGUMENT when both were given. */
export function bufferCount(buffers: number | undefined, poolSize: number | undefined): number {
  if (poolSize === undefined) return buffers ?? BUFFERS_DEFAULT;
  if (buffers !== undefined) throw new WeftError("BAD_ARGUMENT", "both a number of buffers and a pool size: give one of them");
  const fit = Math.floor((poolSize * 2 ** 20) / BUFFER_SIZE);
  if (fit >= BUFFERS_MIN && fit <= BUFFER_COUNT_MAX) return fit;
  const [least, most] = [Math.ceil((BUFFERS_MIN * BUFFER_SIZE) / 2 ** 20), Math.floor((BUFFER_COUNT_MAX * BUFFER_SIZE) / 2 ** 20)];
  throw new WeftError("BAD_ARGUMENT", `pool size: ${poolSize} MiB is not from ${least} to ${most}`);
}

function allocate(bytes: number, buffers: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / PAGE);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    const size = Math.ceil(bytes / 2 ** 20);
    const mend = `ask for fewer than ${buffers} buffers, or raise "ulimit -v"`;
    throw new WeftError("NO_MEMORY", `no room for ${size} MiB of packet memory: ${mend}`, { cause });
  }
}

function map(bytes: Uint8Array, pool: number, poolEnd: number): { tables: ArrayBuffer; hugePages: boolean } {
  try {
    return addon.mapMemory(bytes, TABLES, TABLES_END, pool, poolEnd);
  } catch (cause) {
    const { code, syscall } = cause as { code?: string; syscall?: string };
    const system = { cause, ...(code && { errno: code }), ...(syscall && { syscall }) };
    const mend = `free some memory or raise "ulimit -v" and "ulimit -l"`;
    throw new WeftError("NO_MEMORY", `the packet memory cannot be mapped: ${syscall ?? "mmap"} says ${code ?? cause}: ${mend}`, system);
  }
}

/** First pool address not below `from` that is 2 MiB aligned in the process and a multiple of a buffer's alignment in the memory. */
function alignedPool(from: number, memoryOffset: number): number {
  const pool = roundUp(from + memoryOffset, HUGE_PAGE) - memoryOffset;
  if (pool % BUFFER_ALIGN !== 0) throw new WeftError("NO_MEMORY", "the WebAssembly memory is not aligned to a cache line");
  return pool;
}

/**
 * Deals the buffers out to the workers' free lists; the lowest addresses are taken first. The buffers themselves are not touched, so that the
 * kernel need not find a page for each at once: fresh memory is zero, which is BUFFER_FREE.
 */
function fillFreeLists({ u32, layout }: PacketMemory): void {
  for (let worker = 0; worker < layout.workers; worker++) {
    const list = (workerAt(worker) + WORKER_FREE_LIST) >> 2;
    const first = Math.floor((layout.buffers * worker) / layout.workers);
    const last = Math.floor((layout.buffers * (worker + 1)) / layout.workers) - 1;
    for (let buffer = last, place = list + (FREE_LIST_ENTRIES >> 2); buffer >= first; buffer--, place++) {
      u32[place] = (layout.pool + buffer * BUFFER_SIZE) >>> BUFFER_SHIFT;
    }
    u32[list] = last - first + 1;
  }
}

/** Gives each node its frame, and the graph the one to spare. */
export function layFrames({ u32 }: PacketMemory, graph: number): void {
  const frames = graph + WORKER_FRAMES;
  for (let node = 0; node < NODE_COUNT; node++) u32[(graph + GRAPH_PENDING + node * GRAPH_PENDING_SIZE) >> 2] = frames + node * FRAME_SIZE;
  u32[(graph + GRAPH_SPARE) >> 2] = frames + NODE_COUNT * FRAME_SIZE;
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
