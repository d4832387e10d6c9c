// A port of the shim, as its worker drives it: which device is behind the handle makes no difference here.

import { addon, type Faults } from "../addon.js";
import type { Port, PortKind, PortSpec } from "./port.js";

export class NativePort implements Port {
  readonly index: number;
  readonly kind: PortKind;
  readonly handle: number;
  private faulty: boolean;

  constructor(spec: PortSpec) {
    this.index = spec.index;
    this.kind = spec.kind;
    this.handle = spec.handle;
    this.faulty = addon.faultState(spec.handle) !== null; // from a worker that was given up
  }

  get keepsBuffers(): boolean {
    return this.kind === "rdma" || this.faulty;
  }

  setFault(faults: Faults | null): boolean {
    if (faults === null) {
      this.faulty = !addon.clearFault(this.handle);
      return !this.faulty;
    }
    addon.setFault(this.handle, faults);
    return (this.faulty = true);
  }

  receive(frame: number, max: number): number {
    return addon.receive(this.handle, frame, max, this.index);
  }

  transmit(frame: number, n: number): void {
    addon.transmit(this.handle, frame, n, this.index);
  }

  drain(): void {
    addon.drain(this.handle, this.index);
  }
}
