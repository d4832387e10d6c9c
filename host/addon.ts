// The native shim: the one file that loads it, and the one description of what it offers.

import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { WeftError } from "./errors.js";

/** A failed system call or verb throws Error with `code` (the errno's name, "ENOBUFS") and `syscall`, sometimes with `detail`. */
export interface Addon {
  /**
   * Lays the memory out over a shared WebAssembly memory: page zero inaccessible, tables read-only.
   * Gives the tables' writable alias and the pool's page size.
   */
  mapMemory(memory: Uint8Array, tables: number, tablesEnd: number, pool: number, poolEnd: number): { tables: ArrayBuffer; hugePages: boolean };
  /** The linear memory's address modulo 2 MiB, so that the host can align the pool. */
  memoryOffset(memory: Uint8Array): number;

  /** TSC clocks since the calling thread's last lap, at most 2^31 - 1. */
  lap(): number;
  /** TSC clocks a second, measured once. */
  clockRate(): number;
  /** The clock of the calling thread's time on a CPU; any thread may ask threadTime() what it shows, in ms, -1 after its thread's end. */
  threadClock(): number;
  threadTime(clock: number): number;
  /** Pins the calling thread to a CPU. */
  pinThread(cpu: number): void;

  /** Ties the calling thread to a worker's part of the memory: receive takes buffers from its free list, transmit gives them back. */
  attachWorker(memory: Uint8Array, worker: number, pool: number, poolEnd: number): void;
  /** Opens an AF_PACKET port on a netdev; the handle is valid in every thread of the process until closed. */
  openAfPacket(hostInterface: string, options: AfPacketOptions): { handle: number; mac: string; mtu: number; up: boolean };
  /** Receives at most `max` packets into a frame; gives how many. Interface counters are written by the shim. */
  receive(handle: number, frame: number, max: number, swIfIndex: number): number;
  /** Sends a frame's packets; gives how many. Buffers return to the free list, at once or when the device is done with them; losses are counted. */
  transmit(handle: number, frame: number, n: number, swIfIndex: number): number;
  /** State of the device behind the port; `present` false once it was removed, or is in a fatal state. Never throws. */
  linkState(handle: number): { present: boolean; up: boolean; mtu: number };
  /** Tries to open the port again on a device of the same name after it was removed; true when it is there. */
  reopen(handle: number): boolean;
  /** On the worker's thread, before closePort: every buffer that the port still has returns to the free list. */
  drain(handle: number, swIfIndex: number): void;
  closePort(handle: number): void;
  /** The worker of each receive queue; -1: none. Worker 0 has those of a new port. */
  rxPlacement(handle: number): number[];
  /** Gives a receive queue to a worker, or to none (-1). */
  placeQueue(handle: number, queue: number, worker: number): void;

  /**
   * Begins to copy packets of a memory's workers, as blocks of pcapng, into a ring of the shim; `directions`: 1 what is received, 2 what is
   * sent, 4 what is dropped; at most `max` packets. One capture at a time: throws EBUSY.
   */
  startCapture(memory: Uint8Array, directions: number, max: number): void;
  /** The number of an interface in the file, -1: its packets are not captured. */
  captureInterface(swIfIndex: number, number: number): void;
  /** What is in the ring, whole blocks; null: nothing. */
  drainCapture(): Buffer | null;
  captureState(): CaptureState;
  /** Ends the capture; gives what is in the ring still. */
  stopCapture(): Buffer | null;
  /** On a worker's thread: a packet ends. `from`: offset of its first byte; `etherType`: of the Ethernet header that it lacks, -1: it has one. */
  captureDrop(index: number, from: number, etherType: number, reason: string): void;

  /** Opens an rdma port; `onEvent` is called in the opening thread when the device has something to say: linkState tells what. */
  openRdma(options: RdmaPortOptions, onEvent: () => void): OpenedRdma;
  /** What the shim knows of an rdma port. */
  rdmaInfo(handle: number): RdmaState;
  /** Its rings in hex, for people. */
  rdmaDump(handle: number): string;
  /** Moves the flows to another MAC address, or to all, without a gap; where that is refused it throws and the old ones stay. */
  rdmaSetFlows(handle: number, mac: Uint8Array, promiscuous: boolean): void;
  /** The verbs devices that libibverbs finds: name, "/dev/infiniband/uverbs0", and the folder of its PCI function in sysfs. */
  listRdma(): { device: string; node: string; folder: string }[];

  /** Opens a packet generator port; it has no streams yet, and what is sent through it is dropped. */
  openPg(): { handle: number; mtu: number; up: boolean };
  /** Adds a stream, not enabled; gives its number. */
  pgAdd(handle: number, stream: PgStreamOptions & (PgTemplate | PgReplay)): number;
  pgRemove(handle: number, stream: number): void;
  /** Starts a stream at its first packet, or stops it. */
  pgEnable(handle: number, stream: number, on: boolean): void;
  /** undefined: there is no such stream */
  pgState(handle: number, stream: number): PgState | undefined;
  /** What is sent through the port comes in at another one from now on; -1: it is dropped. */
  pgConnect(handle: number, peer: number): void;

  /** On the worker's thread: puts a fault port around the port, or tells the one that is there anew. */
  setFault(handle: number, faults: Faults): void;
  /** The same thread: packets pass from now on. True once none waits in the fault port: then it is gone; else receive() and try again. */
  clearFault(handle: number): boolean;
  /** null: the port has no fault port around it */
  faultState(handle: number): { seed: number; rx: FaultState; tx: FaultState } | null;

  /**
   * Sleeps until one of the ports has a packet, wake() is called for this waiter or `timeout` ms pass. terminate() of a worker waits
   * for that too.
   */
  wait(waiter: number, handles: Uint32Array, timeout: number): void;
  openWaiter(): number;
  wake(waiter: number): void;
  closeWaiter(waiter: number): void;
}

export interface AfPacketOptions {
  /** slots of the receive ring */
  ringSlots: number;
}

export interface CaptureState {
  /** packets captured */
  received: number;
  sent: number;
  dropped: number;
  /** packets that found the ring full */
  missed: number;
  /** as many as were asked for are captured */
  full: boolean;
}

export interface RdmaPortOptions {
  /** of its PCI function in sysfs: which device */
  folder: string;
  /** that shares the port; "": none is known */
  netdev: string;
  /** the port's own, where the netdev is not in this network namespace; all zero: unknown */
  portMac: Uint8Array;
  portMtu: number;
  /** its send WQEs must carry the Ethernet header */
  inlineHeaders: boolean;
  mode: "auto" | "ibv" | "dv";
  rxQueueSize: number;
  txQueueSize: number;
  rxQueues: number;
  /** IBV_RX_HASH_*: the fields that spread packets of IPv4 and of IPv6 */
  rss4: number;
  rss6: number;
  /** longest frame to receive; 0: what the port's MTU lets through */
  maxPacketLength: number;
  multiSegment: boolean;
  striding: boolean;
  rxChecksum: boolean;
  compression: boolean;
  /** whose unicast frames to take; null: the port's own */
  mac: Uint8Array | null;
  memory: Uint8Array;
  /** the buffer pool: what is registered with the device */
  pool: number;
  poolEnd: number;
  /** each gets a send queue of its own */
  workers: number;
}

export interface OpenedRdma {
  handle: number;
  /** the port's own */
  mac: string;
  mtu: number;
  up: boolean;
  mode: "ibv" | "dv";
  /** why this mode, one short clause */
  reason: string;
}

export interface RdmaState {
  device: string;
  folder: string;
  firmware: string;
  mode: string;
  reason: string;
  up: boolean;
  mac: string;
  promiscuous: boolean;
  /** one readable line each */
  flows: string[];
  striding: boolean;
  compression: boolean;
  multiSegment: boolean;
  maxPacketLength: number;
  rss4: number;
  rss6: number;
  rxChecksum: boolean;
  txChecksum: boolean;
  segmentation: boolean;
  rxQueues: { posted: number; packets: number }[];
  rxQueueSize: number;
  txQueueSize: number;
  txPending: number;
  /** bytes of a completion queue's entry */
  cqeSize: number;
  /** the registered memory, addresses, and the key by which the device knows it */
  dmaBase: number;
  dmaEnd: number;
  lkey: number;
  /** where the device wrote the last packet that came; 0 before */
  lastDma: number;
}

export interface PgStreamOptions {
  /** packets; 0: without end */
  limit: number;
  /** packets a second; 0: as fast as they are taken */
  rate: number;
}

/** Values from … from + count - 1 in some bytes of a packet, most significant first: counting up and around, or random. */
export interface PgRange {
  at: number;
  bytes: number;
  from: number;
  count: number;
  random: boolean;
}

export interface PgTemplate {
  /** of the longest packet */
  bytes: Uint8Array;
  size: PgRange;
  ranges: PgRange[];
  seed: number;
  /** offsets of the IPv4 header, the transport's and its checksum, which are filled in; 0: not there */
  ip: number;
  transport: number;
  checksum: number;
}

export interface PgReplay {
  file: string;
  /** of each packet: bytes between the end of the one before and its beginning; its length */
  index: Uint32Array;
}

export interface PgState {
  enabled: boolean;
  /** since it was enabled */
  packets: number;
  bytes: number;
  /** ns from then to when packets were last asked for */
  elapsed: number;
  /** why it stopped by itself; "": it did not, or has come to its limit */
  failure: string;
}

/** What goes wrong in one direction: probabilities from 0 to 1, times in ns. */
export interface FaultSettings {
  loss: number;
  truncate: number;
  corrupt: number;
  duplicate: number;
  reorder: number;
  delay: number;
  jitter: number;
}

export interface Faults {
  seed: number;
  rx: FaultSettings;
  tx: FaultSettings;
}

/** How often each fault has happened in one direction. */
export interface FaultCounts {
  lost: number;
  truncated: number;
  corrupted: number;
  duplicated: number;
  reordered: number;
  delayed: number;
  /** packets that wait now */
  held: number;
}

export interface FaultState extends FaultSettings, FaultCounts {}

function load(): Addon {
  const require = createRequire(import.meta.url);
  // dist/host/addon.js → native/build/Release/weft.node
  const path = fileURLToPath(new URL("../../native/build/Release/weft.node", import.meta.url));
  try {
    return require(path) as Addon;
  } catch (cause) {
    const mend = `run "npm run setup" in a checkout, "npm rebuild weft" where it was installed`;
    throw new WeftError("ADDON_MISSING", `the native shim ${path} does not load: ${mend} (${(cause as Error).message})`, { cause });
  }
}

export const addon: Addon = load();
