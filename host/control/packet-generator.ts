// Packet generator interfaces' streams, by name, and where their output goes.

import { addon } from "../addon.js";
import { WeftError } from "../errors.js";
import { quote, suggestion } from "../nearest.js";
import { type PacketGeneratorInfo, type PacketStreamInfo, type PacketStreamOptions, streamOptions } from "../ports/pg-options.js";
import { formatMac } from "./addresses.js";
import type { Interface } from "./interfaces.js";

const STREAMS_MAX = 256;

interface Stream {
  options: PacketStreamOptions;
  entry: Interface;
  /** the shim's number */
  id: number;
  limit: number;
}

export class PacketGenerators {
  private readonly streams = new Map<string, Stream>();
  private readonly outputs = new Map<Interface, Interface>();

  /** `find` gives an interface that may be changed. */
  constructor(private readonly interfaces: () => Interface[], private readonly find: (name: string) => Interface) {}

  connect(name: string, peer: string | null): void {
    const entry = this.generator(name);
    const output = peer === null ? null : this.generator(peer);
    addon.pgConnect(entry.handle!, output?.handle ?? -1);
    if (output) this.outputs.set(entry, output);
    else this.outputs.delete(entry);
  }

  async add(options: PacketStreamOptions): Promise<PacketStreamInfo> {
    const { name } = options;
    this.mustBeNew(name);
    const native = await streamOptions(options, formatMac(this.generator(options.interface).mac));
    this.mustBeNew(name);
    const entry = this.generator(options.interface); // which may have been deleted while the capture was read
    const stream: Stream = { options, entry, id: addon.pgAdd(entry.handle!, native), limit: native.limit };
    this.streams.set(name, stream);
    return this.info(stream);
  }

  delete(name: string): void {
    const stream = this.stream(name);
    addon.pgRemove(stream.entry.handle!, stream.id);
    this.streams.delete(name);
  }

  /** One, or all. */
  enable(name: string | undefined, on: boolean): void {
    this.forgetDeleted();
    const chosen = name === undefined ? [...this.streams.values()] : [this.stream(name)];
    for (const { entry, id } of chosen) addon.pgEnable(entry.handle!, id, on);
  }

  list(): PacketGeneratorInfo {
    this.forgetDeleted();
    const generators = this.interfaces().filter(({ kind }) => kind === "pg");
    const interfaces = generators.map((entry) => ({ name: entry.name, output: this.outputs.get(entry)?.name ?? null }));
    return { interfaces, streams: [...this.streams.values()].map((stream) => this.info(stream)) };
  }

  private info({ options, entry, id, limit }: Stream): PacketStreamInfo {
    const { enabled, packets, bytes, elapsed, failure } = addon.pgState(entry.handle!, id)!;
    const { name, rate = 0, size = null, seed = 0, data = null, pcap = null } = options;
    return {
      name, interface: entry.name, enabled, packets, bytes, elapsed: elapsed / 1e6, limit, rate, size, seed, data, pcap, failure: failure || null,
    };
  }

  private generator(name: string): Interface {
    const entry = this.find(name);
    if (entry.kind === "pg") return entry;
    const mend = '"create packet-generator interface pg0" makes one that takes streams';
    throw new WeftError("BAD_ARGUMENT", `interface ${name} is of kind ${entry.kind}: ${mend}`);
  }

  private mustBeNew(name: string): void {
    this.forgetDeleted();
    if (!/^[!-~]{1,64}$/.test(name)) throw new WeftError("BAD_ARGUMENT", `${quote(name)} is no name of a stream: 1 to 64 characters without blanks`);
    if (this.streams.has(name)) throw new WeftError("CONFLICT", `there is a stream ${name} already: "packet-generator delete ${name}" removes it`);
    if (this.streams.size >= STREAMS_MAX) throw new WeftError("NO_MEMORY", `there are ${STREAMS_MAX} streams already, the most there can be`);
  }

  private stream(name: string): Stream {
    this.forgetDeleted();
    const found = this.streams.get(name);
    if (found) return found;
    const names = [...this.streams.keys()];
    throw new WeftError("NOT_FOUND", `there is no stream ${quote(name)}${names.length === 0 ? ", nor any other" : suggestion(name, names)}`);
  }

  /** Streams and connections go with their interfaces. */
  private forgetDeleted(): void {
    const there = new Set(this.interfaces());
    for (const [name, { entry }] of this.streams) if (!there.has(entry)) this.streams.delete(name);
    for (const [from, to] of this.outputs) if (!there.has(from) || !there.has(to)) this.outputs.delete(from);
  }
}
