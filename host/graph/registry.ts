// Names, indices and wiring of the graph's nodes. The control plane's side: workers receive NodeSpecs.

import { ARC_FREE, ARC_NONE, NEXT_COUNT, NODE_COUNT, NODE_STATE, WORKER_NODES, WORKER_SIZE } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import type { Tables } from "../memory/tables.js";
import type { NodeSpec } from "./messages.js";
import type { NodeDeclaration } from "./module.js";

const BLOCK_ALIGN = 64;

export class Registry {
  private readonly nodes: (NodeSpec | undefined)[] = [];
  private nextBlock = WORKER_NODES;
  /** places of removed nodes that have no state */
  private readonly spare: { index: number; runtime: number }[] = [];

  constructor(private readonly tables: Tables) {}

  /** All nodes there are, by index. */
  list(): NodeSpec[] {
    return this.nodes.filter((node) => node !== undefined);
  }

  /** Throws NOT_FOUND. */
  find(name: string): NodeSpec {
    const node = this.nodes.find((n) => n?.name === name);
    if (!node) throw new WeftError("NOT_FOUND", `no node "${name}" in the graph`);
    return node;
  }

  /** Adds a node; its next slots lead nowhere until connect(). Throws CONFLICT, NO_MEMORY. */
  add(kind: NodeSpec["kind"], declared: Pick<NodeDeclaration, "name" | "next" | "counters"> & Partial<NodeDeclaration>): NodeSpec {
    if (this.nodes.some((n) => n?.name === declared.name)) throw new WeftError("CONFLICT", `there is a node "${declared.name}" already`);
    const { index, runtime } = this.place(declared.state ?? 0);
    const node: NodeSpec = { index, name: declared.name, kind, next: [...declared.next], counters: declared.counters, runtime };
    if (declared.process) node.process = declared.process;
    this.nodes[index] = node;
    return node;
  }

  /** Forgets a node that no worker runs any more; its index and its block serve the next one of its kind. */
  remove(node: NodeSpec): void {
    this.nodes[node.index] = undefined;
    this.spare.push({ index: node.index, runtime: node.runtime });
  }

  /** Leads every declared next slot to the node of that name. */
  connect(): void {
    for (const node of this.list()) {
      for (const [slot, name] of node.next.entries()) this.tables.wire(node.index, slot, this.find(name).index);
    }
    this.tables.wire(this.find("error-drop").index, 0, ARC_FREE);
  }

  /** Gives a node one more next slot; the slot's number. Throws NO_MEMORY when it has all it can have. */
  addNext(node: NodeSpec, target: NodeSpec): number {
    const unused = node.next.indexOf("");
    const slot = unused < 0 ? node.next.length : unused;
    if (slot >= NEXT_COUNT) throw new WeftError("NO_MEMORY", `${node.name} has ${NEXT_COUNT} next nodes already, the most it can have`);
    node.next[slot] = target.name;
    this.tables.wire(node.index, slot, target.index);
    return slot;
  }

  /** Takes a next slot away; what is still sent there is dropped. */
  removeNext(node: NodeSpec, slot: number): void {
    node.next[slot] = "";
    this.tables.wire(node.index, slot, ARC_NONE);
  }

  private place(state: number): { index: number; runtime: number } {
    const spare = state === 0 ? this.spare.pop() : undefined;
    if (spare) return spare;
    const runtime = this.nextBlock;
    const end = runtime + Math.ceil((NODE_STATE + state) / BLOCK_ALIGN) * BLOCK_ALIGN;
    if (this.nodes.length >= NODE_COUNT || end > WORKER_SIZE) throw new WeftError("NO_MEMORY", `the graph is full: ${this.nodes.length} nodes`);
    this.nextBlock = end;
    return { index: this.nodes.length, runtime };
  }
}
