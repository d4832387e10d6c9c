// What every kind of port is to the graph and to the control plane.

import type { Faults } from "../addon.js";

/** What drives it: af_packet on any netdev, rdma on a ConnectX, pg makes its packets itself. */
export type PortKind = "af_packet" | "rdma" | "pg";

/** When its worker looks for packets: all the time; when the device says that there are some; or the one while they come, the other while none do. */
export type RxMode = "polling" | "interrupt" | "adaptive";

/** What moves packets between a frame and the world. Each call handles a burst; a driver counts its losses in the interface's counter block. */
export interface Port {
  /** software interface index */
  readonly index: number;
  readonly kind: PortKind;
  /** what a sleeping worker waits on; null: there is nothing to wait for */
  readonly handle: number | null;
  /** Fills a frame with at most `max` packets; gives how many. */
  receive(frame: number, max: number): number;
  /** Sends a frame's n packets; every buffer returns to the free list, sent or not, at once or when the device has done with it. */
  transmit(frame: number, n: number): void;
  /** whether buffers may be in it between two bursts: a device works in them, or packets wait */
  readonly keepsBuffers?: boolean;
  /** Has packets lost, damaged or delayed; null: no longer, true once none waits any more. Only what has a handle can. */
  setFault?(faults: Faults | null): boolean;
  /** Returns the buffers that the device has to the free list; the port moves no packets any more. */
  drain(): void;
}

/** How the control plane tells a worker of a port. */
export interface PortSpec {
  index: number;
  kind: PortKind;
  handle: number;
}

/** A port that was opened, and what its device said then. */
export interface OpenedPort {
  kind: PortKind;
  handle: number;
  /** the Linux netdev behind it, where there is one */
  hostInterface: string | null;
  /** the address it takes packets for */
  mac: Uint8Array;
  mtu: number;
  up: boolean;
}
