// How packets to the router are put together from fragments: the limits, and what there is of it.

import { NODE_COUNTERS, NODE_STATE, REASSEMBLY_BYTES, REASSEMBLY_CONTEXTS, REASSEMBLY_FRAGMENTS } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import type { ReassemblyLimits } from "../graph/fragments.js";
import type { NodeSpec, ToEngine } from "../graph/messages.js";
import { REASSEMBLY_DEFAULTS, REASSEMBLY_NODE, reassemblyMemory } from "../graph/reassembly.js";
import type { Registry } from "../graph/registry.js";
import type { ReassemblyInfo } from "./api.js";
import type { Statistics } from "./statistics.js";

const TIMEOUT_MIN = 100;
const TIMEOUT_MAX = 600_000;
const REASSEMBLIES_MAX = 65_536;

export class ReassemblySettings {
  private limits: ReassemblyLimits = REASSEMBLY_DEFAULTS;
  private readonly node: NodeSpec;

  /** `buffers`: those of the pool. */
  constructor(
    registry: Registry, private readonly statistics: Statistics, private readonly buffers: number, private readonly workers: number,
    private readonly post: (message: ToEngine) => void,
  ) {
    this.node = registry.find(REASSEMBLY_NODE.name);
  }

  /** Throws BAD_ARGUMENT. What is not given stays. */
  set(limits: Partial<ReassemblyLimits>): void {
    const { timeout = this.limits.timeout, maxReassemblies = this.limits.maxReassemblies } = limits;
    check("timeout", timeout, TIMEOUT_MIN, TIMEOUT_MAX);
    check("maxReassemblies", maxReassemblies, 1, REASSEMBLIES_MAX);
    this.limits = { timeout, maxReassemblies };
    this.post(this.message());
  }

  /** What tells a worker of the limits: of its share, for the fragments of a packet all come to one. */
  message(): ToEngine {
    const { timeout, maxReassemblies } = this.limits;
    return { type: "reassembly", limits: { timeout, maxReassemblies: Math.max(1, Math.floor(maxReassemblies / this.workers)) } };
  }

  info(): ReassemblyInfo {
    const state = (offset: number): number => this.statistics.nodeCounter(this.node, NODE_STATE + offset);
    const [whole, , timedOut] = this.node.counters.map((_, i) => this.statistics.nodeCounter(this.node, NODE_COUNTERS + i * 8));
    return {
      ...this.limits, maxMemory: reassemblyMemory(this.buffers), reassemblies: state(REASSEMBLY_CONTEXTS), fragments: state(REASSEMBLY_FRAGMENTS),
      memory: state(REASSEMBLY_BYTES), reassembled: whole!, timedOut: timedOut!,
    };
  }
}

function check(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new WeftError("BAD_ARGUMENT", `reassembly: ${name} ${value} is not a whole number from ${least} to ${most}`);
}
