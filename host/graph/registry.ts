// Names, indices and runtime blocks of the graph's nodes. The control plane's side: workers receive NodeSpecs.

import { NEXT_COUNT, NODE_COUNT, NODE_STATE, WORKER_NODES, WORKER_SIZE } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import { Extents } from "../memory/extents.js";
import type { NodeSpec } from "./messages.js";
import type { NodeDeclaration } from "./module.js";

const BLOCK_ALIGN = 64;

type Declared = Pick<NodeDeclaration, "name" | "next" | "counters"> & Partial<NodeDeclaration>;

export class Registry {
  private readonly nodes: (NodeSpec | undefined)[] = [];
  private readonly blocks = new Extents(WORKER_NODES, WORKER_SIZE, BLOCK_ALIGN);

  /** All nodes there are, by index. */
  list(): NodeSpec[] {
    return this.nodes.filter((node) => node !== undefined);
  }

  has(name: string): boolean {
    return this.nodes.some((node) => node?.name === name);
  }

  /** Throws NOT_FOUND. */
  find(name: string): NodeSpec {
    const node = this.nodes.find((n) => n?.name === name);
    if (!node) throw new WeftError("NOT_FOUND", `no node "${name}" in the graph`);
    return node;
  }

  /** Adds a node, its next slots not yet wired. Throws CONFLICT, NO_MEMORY. */
  add(kind: NodeSpec["kind"], declared: Declared, custom = false): NodeSpec {
    if (this.has(declared.name)) throw new WeftError("CONFLICT", `there is a node "${declared.name}" already`);
    const index = this.freeIndex();
    const { name, state = 0, next, counters } = declared;
    const runtime = this.blocks.take(NODE_STATE + state);
    if (runtime === undefined) throw new WeftError("NO_MEMORY", `no room for the state of node ${name}: ${state} bytes`);
    const node: NodeSpec = { index, name, kind, next: [...next], counters: [...counters], runtime, state, custom };
    if (declared.process) node.process = declared.process;
    if (declared.trace) node.trace = declared.trace;
    this.nodes[index] = node;
    return node;
  }

  /** Forgets a node that no worker runs any more. */
  remove(node: NodeSpec): void {
    this.nodes[node.index] = undefined;
    this.blocks.give(node.runtime);
  }

  /** Gives a node one more next node; the slot's number. Throws NO_MEMORY when it has all it can have. */
  addNext(node: NodeSpec, target: NodeSpec): number {
    const unused = node.next.indexOf("");
    const slot = unused < 0 ? node.next.length : unused;
    if (slot >= NEXT_COUNT) throw new WeftError("NO_MEMORY", `${node.name} has ${NEXT_COUNT} next nodes already, the most it can have`);
    node.next[slot] = target.name;
    return slot;
  }

  /** Bytes of runtime blocks. */
  get used(): number {
    return this.blocks.used;
  }

  private freeIndex(): number {
    const unused = this.nodes.indexOf(undefined);
    const index = unused < 0 ? this.nodes.length : unused;
    if (index >= NODE_COUNT) throw new WeftError("NO_MEMORY", `the graph is full: ${NODE_COUNT} nodes`);
    return index;
  }
}
