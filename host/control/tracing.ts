// Traces: which packets are followed through the graph, and what is kept of their ways.

import type { PacketField } from "../graph/node-trace.js";
import type { PacketFilter } from "../graph/packet-filter.js";
import type { NodeSpec } from "../graph/messages.js";
import type { Registry } from "../graph/registry.js";
import { TraceRing } from "../graph/trace-ring.js";
import { WeftError } from "../errors.js";
import { maskOf, parseIp4, parsePrefix } from "./addresses.js";
import type { Observing } from "./observing.js";
import type { TracedPacket, TraceFilter, TraceInfo, TraceNodeFilter } from "./trace-api.js";
import { type Seen, traceStep } from "./trace-step.js";

/** Packets kept: the newest. */
const KEPT_MAX = 1000;
/** ms between two looks at what the worker has recorded. */
const COLLECT = 250;
const PROTOCOLS: Record<string, number> = { icmp: 1, tcp: 6, udp: 17, arp: 256 };

export class Tracing {
  /** one a worker */
  private rings: TraceRing[] | null = null;
  /** what was seen of each packet that is kept, by its worker and the number of its trace there; oldest first */
  private readonly packets = new Map<string, Seen[]>();
  private nodeFilter: TraceNodeFilter | null = null;
  /** nodes by index; one that is gone stays until its index is another's */
  private readonly nodes = new Map<number, NodeSpec>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly registry: Registry,
    private readonly observing: Observing,
    private readonly interfaceName: (index: number) => string | undefined,
    private readonly workers: number,
  ) {}

  /** Of each worker, as many. */
  async add(name: string, packets: number): Promise<void> {
    if (!Number.isInteger(packets) || packets < 1 || packets > KEPT_MAX) {
      throw new WeftError("BAD_ARGUMENT", `${packets} packets: a whole number from 1 to ${KEPT_MAX} can be traced`);
    }
    const node = this.registry.find(name);
    const rings = this.rings ?? Array.from({ length: this.workers }, () => new TraceRing());
    for (const ring of rings) ring.want(node.index, packets);
    if (this.rings) return;
    this.rings = rings;
    this.timer = setInterval(() => this.collect(), COLLECT).unref();
    await this.observing.change({ rings: rings.map((ring) => ring.buffer as SharedArrayBuffer) });
  }

  /** Forgets all traces, and traces no more. */
  async clear(): Promise<void> {
    this.packets.clear();
    if (!this.rings) return;
    this.close();
    this.rings = null;
    await this.observing.change({ rings: null });
  }

  close(): void {
    clearInterval(this.timer);
  }

  async filter(filter: TraceFilter): Promise<void> {
    await this.observing.change({ filter: parseFilter(filter) });
  }

  filterNode(filter: TraceNodeFilter): void {
    this.registry.find(filter.node);
    this.nodeFilter = filter;
  }

  async clearFilters(): Promise<void> {
    this.nodeFilter = null;
    await this.filter({});
  }

  /** Takes what the workers have recorded: so there is room for more, and its nodes are still known. */
  private collect(): void {
    for (const node of this.registry.list()) this.nodes.set(node.index, node);
    const records = (this.rings ?? []).flatMap((ring, worker) => ring.read().map((record) => ({ record, key: `${worker} ${record.id}` })));
    if (this.workers > 1) records.sort((a, b) => a.record.time - b.record.time);
    for (const { record, key } of records) {
      if (record.first) this.begin(key);
      this.packets.get(key)?.push({ record, node: this.nodes.get(record.node) });
    }
  }

  info(max = KEPT_MAX): TraceInfo {
    this.collect();
    const wanted = [...this.packets.values()].filter((seen) => this.passes(seen));
    const most = Math.min(max, this.nodeFilter?.packets ?? max);
    const packets = wanted.slice(0, most).flatMap((seen, i) => this.shown(seen, i + 1));
    return { packets, kept: this.packets.size, lost: (this.rings ?? []).reduce((sum, ring) => sum + ring.lost, 0) };
  }

  private begin(id: string): void {
    this.packets.delete(id);
    const oldest = this.packets.keys().next();
    if (this.packets.size >= KEPT_MAX && !oldest.done) this.packets.delete(oldest.value);
    this.packets.set(id, []);
  }

  private passes(seen: Seen[]): boolean {
    if (!this.nodeFilter) return true;
    const { node, include } = this.nodeFilter;
    return seen.some((one) => one.node?.name === node) === include;
  }

  /** A packet, and its copies: each in a buffer of its own. */
  private shown(seen: Seen[], number: number): TracedPacket[] {
    const buffers = [...new Set(seen.map(({ record }) => record.buffer))];
    return buffers.map((buffer, copy) => {
      const own = seen.filter(({ record }) => record.buffer === buffer);
      const steps = own.map((one, i) => traceStep(one, own[i - 1], (field, value) => this.fieldText(field, value)));
      return { number, copy, steps };
    });
  }

  private fieldText(field: PacketField, value: number): string {
    if (field === "rx-interface" || field === "tx-interface") return `${field} ${this.interfaceName(value) ?? value}`;
    return field === "icmp-error" ? `icmp type ${value >> 8}, code ${value & 255}` : `${field} ${value}`;
  }
}

/** Throws BAD_ARGUMENT. */
function parseFilter({ source: from, destination: to, protocol, port }: TraceFilter): PacketFilter {
  const number = typeof protocol === "string" ? PROTOCOLS[protocol] : protocol;
  if (protocol !== undefined && !isWhole(number, 256)) {
    throw new WeftError("BAD_ARGUMENT", `protocol ${protocol}: icmp, tcp, udp, arp, or a number up to 255`);
  }
  if (port !== undefined && !isWhole(port, 65535)) throw new WeftError("BAD_ARGUMENT", `port ${port} is not a whole number from 0 to 65535`);
  const [[source, sourceMask], [destination, destinationMask]] = [prefix(from), prefix(to)];
  return { source, sourceMask, destination, destinationMask, protocol: number ?? null, port: port ?? null };
}

function isWhole(value: number | undefined, most: number): boolean {
  return Number.isInteger(value) && value! >= 0 && value! <= most;
}

/** An address or a prefix: address and mask, raw. */
function prefix(text: string | undefined): [address: number, mask: number] {
  if (text === undefined) return [0, 0];
  if (!text.includes("/")) return [parseIp4(text), 0xffffffff];
  const { network, length } = parsePrefix(text);
  return [network, maskOf(length)];
}
