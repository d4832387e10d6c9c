// What goes wrong in ports on purpose.

import { addon } from "../addon.js";
import { WeftError } from "../errors.js";
import type { ToEngine } from "../graph/messages.js";
import { type FaultInfo, faultInfo, type FaultOptions, faultSettings } from "../ports/fault-options.js";
import type { Interface } from "./interfaces.js";

type Change = Omit<Extract<ToEngine, { type: "fault" }>, "request">;

export class Faults {
  /** `find` gives an interface that may be changed; `send` tells the worker. There may be only one: delayed packets wait in its buffers. */
  constructor(
    private readonly interfaces: () => Interface[], private readonly find: (name: string) => Interface,
    private readonly send: (change: Change) => Promise<void>, private readonly workers: () => number,
  ) {}

  /** Throws NOT_FOUND, BAD_ARGUMENT, CONFLICT, WORKER, SYSTEM. */
  async set(name: string, given: { rx?: FaultOptions; tx?: FaultOptions; seed?: number } | null): Promise<void> {
    const { index, handle } = this.find(name);
    if (this.workers() > 1) throw new WeftError("CONFLICT", `interface ${name}: faults are for routers with one worker: start one without --workers`);
    const faults = given && faultSettings(given, addon.faultState(handle!));
    await this.send({ type: "fault", port: index, faults }).catch((cause: Error) => {
      throw cause instanceof WeftError ? cause : new WeftError("SYSTEM", `interface ${name}: ${cause.message}`, { cause });
    });
  }

  list(): FaultInfo[] {
    return this.interfaces().flatMap(({ name, handle }) => {
      const state = handle === null ? null : addon.faultState(handle);
      return state ? [faultInfo(name, state)] : [];
    });
  }
}
