// The part of a router that looks at its packets: traces and captures.

import type { Registry } from "../graph/registry.js";
import type { PacketMemory } from "../memory/memory.js";
import type { Interfaces } from "./interfaces.js";
import { Observing } from "./observing.js";
import { PcapTrace } from "./pcap-trace.js";
import type { Requests } from "./requests.js";
import { RouteCommands } from "./route-commands.js";
import type { PcapTraceOptions, PcapTraceStatus, TraceFilter, TraceInfo, TraceNodeFilter, Watching } from "./trace-api.js";
import { Tracing } from "./tracing.js";

export abstract class TraceControl extends RouteCommands implements Watching {
  protected observing!: Observing;
  protected tracing!: Tracing;
  protected capture!: PcapTrace;

  /** Once the router has what they stand on. */
  protected prepareTraces(
    packets: PacketMemory, registry: Registry, interfaces: Interfaces, requests: Requests, notice: (line: string) => void,
  ): void {
    this.observing = new Observing(requests);
    this.tracing = new Tracing(registry, this.observing, (index) => interfaces.byIndex(index)?.name, packets.layout.workers);
    this.capture = new PcapTrace(packets, interfaces, this.observing, notice);
  }

  protected endTraces(): void {
    this.tracing.close();
    this.capture.close();
  }

  addTrace(node: string, packets: number): Promise<void> {
    return this.tracing.add(node, packets);
  }

  setTraceFilter(filter: TraceFilter): Promise<void> {
    return this.tracing.filter(filter);
  }

  setTraceNodeFilter(filter: TraceNodeFilter): void {
    this.tracing.filterNode(filter);
  }

  clearTraceFilters(): Promise<void> {
    return this.tracing.clearFilters();
  }

  clearTrace(): Promise<void> {
    return this.tracing.clear();
  }

  startPcapTrace(options: PcapTraceOptions): Promise<void> {
    return this.capture.start(options);
  }

  stopPcapTrace(): Promise<PcapTraceStatus> {
    return this.capture.stop();
  }

  trace(max?: number): TraceInfo {
    return this.tracing.info(max);
  }

  pcapTrace(): PcapTraceStatus | null {
    return this.capture.status();
  }
}
