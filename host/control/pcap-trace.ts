// A capture into a pcapng file: the shim copies packets as they move, this thread writes them to the file now and then.

import { closeSync, ftruncateSync, openSync, statSync, writeSync } from "node:fs";
import { addon } from "../addon.js";
import { systemFailure, WeftError } from "../errors.js";
import type { PacketMemory } from "../memory/memory.js";
import { quote } from "../nearest.js";
import { interfaceDescription, interfaceStatistics, sectionHeader } from "../ports/pcapng-writer.js";
import type { Interface, Interfaces } from "./interfaces.js";
import type { Observing } from "./observing.js";
import type { PcapTraceOptions, PcapTraceStatus } from "./trace-api.js";
import { version } from "./version.js";

/** ms between two looks at what the shim has. */
const DRAIN = 50;
const MAX_DEFAULT = 100_000;
const MAX = 0xffffffff;
/** Bits of addon.startCapture. */
const DIRECTIONS = { rx: 1, tx: 2, drop: 4 };

interface Capture {
  options: Required<PcapTraceOptions>;
  fd: number;
  /** bytes of whole blocks in the file */
  size: number;
  /** the interfaces in the file, by their number there */
  interfaces: Interface[];
  timer: NodeJS.Timeout;
}

export class PcapTrace {
  private running: Capture | null = null;
  /** of the last capture */
  private last: PcapTraceStatus | null = null;

  constructor(
    private readonly packets: PacketMemory, private readonly interfaces: Interfaces, private readonly observing: Observing,
    private readonly notice: (line: string) => void,
  ) {
    interfaces.added = () => this.guarded(() => this.describe());
  }

  async start(asked: PcapTraceOptions): Promise<void> {
    const { file, rx = false, tx = false, drop = false, max = MAX_DEFAULT, interface: name = "any" } = asked;
    const options = { file, rx, tx, drop, max, interface: name };
    if (!options.rx && !options.tx && !options.drop) throw new WeftError("BAD_ARGUMENT", "nothing to capture: name one or more of rx, tx, drop");
    if (!Number.isInteger(options.max) || options.max < 1 || options.max > MAX) {
      throw new WeftError("BAD_ARGUMENT", `max ${options.max} is not a whole number from 1 to ${MAX}`);
    }
    if (options.interface !== "any") this.interfaces.find(options.interface);
    if (this.running) throw busy(`into ${this.running.options.file}`);
    const fd = openFile(options.file);
    try {
      const directions = Object.entries(DIRECTIONS).reduce((bits, [name, bit]) => (options[name as keyof typeof DIRECTIONS] ? bits | bit : bits), 0);
      startShim(this.packets.u8, directions, options.max);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    this.running = { options, fd, size: 0, interfaces: [], timer: setInterval(() => this.drain(), DRAIN).unref() };
    try {
      this.write(sectionHeader(`weft ${version().version}`));
      this.describe();
      if (options.drop) await this.observing.change({ drops: true });
    } catch (error) {
      await this.end((error as Error).message);
      throw error;
    }
  }

  /** Throws NOT_FOUND when none runs. */
  async stop(): Promise<PcapTraceStatus> {
    if (!this.running) throw new WeftError("NOT_FOUND", 'no capture is running: "pcap trace rx tx file F" starts one');
    await this.end("stopped");
    return this.last!;
  }

  /** The capture that runs, or the one that ran last; null: there was none. */
  status(): PcapTraceStatus | null {
    return this.running ? this.statusOf(this.running, true, null) : this.last;
  }

  /** The router stops. */
  close(): void {
    if (this.running) this.finish("the router stopped");
  }

  /** Interfaces that have come or gone since the last time. */
  private describe(): void {
    const { running } = this;
    if (!running) return;
    const { options, interfaces } = running;
    for (const { index } of interfaces) {
      const now = this.interfaces.byIndex(index); // another one may have come in its place
      if (!now || !interfaces.includes(now)) addon.captureInterface(index, -1);
    }
    for (const entry of this.interfaces.list()) {
      if (interfaces.includes(entry) || (options.interface !== "any" && entry.name !== options.interface)) continue;
      this.write(interfaceDescription(entry.name, describe(entry), entry.mac));
      addon.captureInterface(entry.index, interfaces.push(entry) - 1);
    }
  }

  private drain(): void {
    this.guarded(() => {
      this.describe();
      const blocks = addon.drainCapture();
      if (blocks) this.write(blocks);
      if (addon.captureState().full) void this.end("as many packets as were asked for");
    });
  }

  /** Ends the capture where it cannot go on, with a notice: nobody waits for it here. */
  private guarded(step: () => void): void {
    try {
      step();
    } catch (error) {
      void this.end((error as Error).message);
      this.notice(`pcap trace: ${(error as Error).message}`);
    }
  }

  /** Whole blocks or nothing: what did not fit is cut off again. */
  private write(blocks: Buffer): void {
    const running = this.running!;
    try {
      for (let at = 0; at < blocks.length; at += writeSync(running.fd, blocks, at, blocks.length - at, running.size + at));
      running.size += blocks.length;
    } catch (cause) {
      ftruncateSync(running.fd, running.size);
      const { code } = cause as NodeJS.ErrnoException;
      const why = code === "ENOSPC" ? "no space left on its device" : String(code);
      throw new WeftError("SYSTEM", `${running.options.file} cannot be written: ${why}: free some, or capture into another folder`, { cause });
    }
  }

  private async end(why: string): Promise<void> {
    if (!this.running) return;
    const { drop } = this.running.options;
    this.finish(why);
    if (drop) await this.observing.change({ drops: false }).catch(() => {}); // a worker that is gone looks at nothing
  }

  private finish(why: string): void {
    const running = this.running!;
    clearInterval(running.timer);
    try {
      const rest = addon.stopCapture();
      if (rest) this.write(rest);
      if (running.interfaces.length > 0) this.write(interfaceStatistics(0, Date.now(), addon.captureState().missed));
    } catch {
      // no room on its device: it is whole without its end
    }
    this.last = this.statusOf(running, false, why);
    this.running = null;
    try {
      closeSync(running.fd);
    } catch (error) {
      this.notice(`pcap trace: ${running.options.file} may not be whole: ${(error as NodeJS.ErrnoException).code}`);
    }
  }

  private statusOf({ options, size }: Capture, running: boolean, ended: string | null): PcapTraceStatus {
    const { received, sent, dropped, missed } = addon.captureState();
    return { ...options, running, ended, received, sent, dropped, missed, bytes: size };
  }
}

function describe({ kind, hostInterface }: Interface): string {
  return hostInterface === null ? kind : `${kind} on ${hostInterface}`;
}

function startShim(memory: Uint8Array, directions: number, max: number): void {
  try {
    addon.startCapture(memory, directions, max);
  } catch (cause) {
    throw (cause as { code?: string }).code === "EBUSY" ? busy("by another router of this process") : cause;
  }
}

function busy(where: string): WeftError {
  return new WeftError("CONFLICT", `a capture ${where} is running already: end it first ("pcap trace off")`);
}

/** Opens a file to write; one that exists is emptied. Throws BAD_ARGUMENT, NOT_FOUND, NO_PERMISSION, SYSTEM. */
function openFile(path: string): number {
  if (path.includes("\0")) throw new WeftError("BAD_ARGUMENT", `${quote(path)} is no name of a file`);
  try {
    // A pipe would keep us waiting.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== false) return openSync(path, "w", 0o600);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") throw new WeftError("NOT_FOUND", `${path}: no such folder: make it first`, { cause });
    if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
      throw new WeftError("NO_PERMISSION", `${path} cannot be written: ${code}: choose another folder`, { cause });
    }
    throw systemFailure(path, cause) ?? new WeftError("SYSTEM", `${path} cannot be opened: ${code}: choose another file`, { cause });
  }
  throw new WeftError("BAD_ARGUMENT", `${path} is not a file: a capture needs one of its own`);
}
