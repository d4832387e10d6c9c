// What there is to see of a router beside its interfaces, routes and neighbours: graph, counters, threads, memory, time, notices.

import { addon } from "../addon.js";
import type { Registry } from "../graph/registry.js";
import type { Wiring } from "../graph/wiring.js";
import type { OwnedMemory } from "../memory/memory.js";
import type {
  Balance, BufferInfo, ClockInfo, CustomNodeInfo, ErrorCounter, GraphInfo, LogEntry, MemoryInfo, NodeInfo, RuntimeInfo, ThreadInfo, VersionInfo,
} from "./api.js";
import { GraphView } from "./graph-view.js";
import type { Log } from "./logging.js";
import { Statistics } from "./statistics.js";
import { threadInfo, threadOf } from "./threads.js";
import { version } from "./version.js";

export abstract class Observation {
  /** the counters as no clear command touches them, and as the operator sees them */
  protected readonly lasting: Statistics;
  protected readonly statistics: Statistics;
  private readonly view: GraphView;
  private readonly started = performance.now();

  constructor(private readonly owned: OwnedMemory, protected readonly registry: Registry, wiring: Wiring, protected readonly log: Log) {
    this.lasting = new Statistics(owned, () => registry.list());
    this.statistics = new Statistics(owned, () => registry.list(), this.lasting);
    this.view = new GraphView(registry, wiring, this.statistics);
  }

  abstract customNodes(): CustomNodeInfo[];

  /** bytes of configurations, and module regions, in use */
  protected abstract used(): Pick<MemoryInfo, "configurations" | "regions">;
  /** of each worker: the clock of its thread's time on a CPU, -1 for none */
  protected abstract clocks(): number[];

  runtime(): RuntimeInfo {
    return this.statistics.runtime();
  }

  errors(): ErrorCounter[] {
    return this.statistics.errors();
  }

  buffers(): BufferInfo {
    return this.statistics.buffers();
  }

  balance(): Balance {
    return this.statistics.balance();
  }

  graph(): GraphInfo {
    return this.view.graph();
  }

  node(name: string): NodeInfo {
    return this.view.node(name, this.customNodes());
  }

  threads(): ThreadInfo[] {
    const workers = this.clocks().map((clock, worker) => threadInfo(worker + 1, `worker ${worker}`, "worker", threadOf(clock)));
    return [threadInfo(0, "main", "main", process.pid), ...workers];
  }

  memory(): MemoryInfo {
    const { packets: { memory, layout }, pageSize } = this.owned;
    const { buffer: { byteLength: packetMemory } } = memory;
    const nodeCount = this.registry.list().length;
    return { nodes: this.registry.used, ...this.used(), nodeCount, packetMemory, pool: layout.poolEnd - layout.pool, pageSize };
  }

  logging(): LogEntry[] {
    return this.log.list();
  }

  clearLogging(): void {
    this.log.clear();
  }

  clock(): ClockInfo {
    return { time: new Date().toISOString(), seconds: (performance.now() - this.started) / 1000, clockRate: addon.clockRate() };
  }

  version(): VersionInfo {
    return version();
  }
}
