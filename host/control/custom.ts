// A custom node as the control plane keeps it, and as workers hear of it.

import { WeftError } from "../errors.js";
import type { ContainmentPolicy } from "../graph/containment.js";
import type { NodeDeclaration } from "../graph/manifest.js";
import type { CustomSpec, Inheritance, NodeSpec } from "../graph/messages.js";
import type { CustomNodeInfo, NodePolicy } from "./api.js";
import type { PlacedConfig } from "./node-configs.js";
import { type NodeFile, regionAt } from "./node-files.js";

export interface Custom {
  name: string;
  file: NodeFile;
  /** the nodes of its instance, the one that it was loaded for first: as declared, and as they are in the graph */
  declarations: NodeDeclaration[];
  nodes: NodeSpec[];
  region: number | null;
  config: PlacedConfig;
  policy: NodePolicy;
  /** how it does in each worker */
  reports: NodeReport[];
  /** for which it stands in its place; null: for all */
  interfaces: Set<number> | null;
}

export type NodeReport = Pick<CustomNodeInfo, "state" | "cause" | "traps">;

/** How a node does in all workers: the worst of them, and all their traps. */
export function summary(reports: NodeReport[]): NodeReport {
  const worst = reports.find(({ state }) => state === "set-aside") ?? reports.find(({ state }) => state === "waiting") ??
    reports.find(({ cause }) => cause !== null) ?? reports[0]!;
  return { ...worst, traps: reports.reduce((sum, { traps }) => sum + traps, 0) };
}

/** Behind the name of a node that is there beside the one whose place it is to take, or that has lost it. */
export const BESIDE = "~";

/** The name that a node has once it is in its place. */
export function settled(name: string): string {
  return name.endsWith(BESIDE) ? name.slice(0, -BESIDE.length) : name;
}

export function customSpec(custom: Custom): CustomSpec {
  const { file, declarations, nodes, region, policy, reports, config } = custom;
  const { state, cause } = summary(reports);
  return {
    nodes: nodes.map((node) => ({ ...node, name: settled(node.name) })),
    module: file.module,
    url: file.url,
    base: regionAt(region),
    configure: declarations[0]!.configure,
    policy: policyOf(custom, policy),
    setAside: state === "set-aside" ? cause : null,
    traps: reports.map(({ traps }) => traps),
    config: { at: config.at, size: config.size },
  };
}

/** The next slot that a policy names, as workers want it. */
export function policyOf({ name, nodes }: Custom, { fail, via, restart, limit }: NodePolicy): ContainmentPolicy {
  if (fail === "closed") return { slot: 0, restart, limit };
  const slot = nodes[0]!.next.map(settled).indexOf(via);
  if (slot < 0) throw new WeftError("BAD_ARGUMENT", `node ${name} has no next slot "${via}": it has ${nodes[0]!.next.map(settled).join(", ")}`);
  return { slot, restart, limit };
}

/** A policy with a change to it. Throws BAD_ARGUMENT. */
export function withPolicy(custom: Custom, change: Partial<NodePolicy>): NodePolicy {
  const policy = { ...custom.policy, ...change };
  for (const key of ["restart", "limit"] as const) {
    if (!Number.isInteger(policy[key]) || policy[key] < 0 || policy[key] > 3_600_000) {
      throw new WeftError("BAD_ARGUMENT", `policy of node ${custom.name}: ${key} ${policy[key]} is not a whole number from 0 to 3600000`);
    }
  }
  policyOf(custom, policy);
  return policy;
}

/** What a node takes over from the one that it replaces: the state, if it can read it, and counters of the same name. */
export function inheritance(old: Custom, fresh: Custom): Inheritance {
  const [from, to] = [old.declarations[0]!, fresh.declarations[0]!];
  const readable = from.name === to.name && (to.stateVersion === from.stateVersion || to.stateAccepts.includes(from.stateVersion));
  const names = (node: NodeDeclaration): string[] => (readable ? [...node.counters, ...node.gauges] : node.counters);
  const counters = names(from).flatMap((name, i): [number, number][] => {
    const place = names(to).indexOf(name);
    return place < 0 ? [] : [[i, place]];
  });
  return { index: old.nodes[0]!.index, runtime: old.nodes[0]!.runtime, state: readable ? Math.min(from.state, to.state) : 0, counters };
}
