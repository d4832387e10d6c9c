// Where custom nodes stand in the packets' way, and for which interfaces.

import { GATE_INTERFACES, NODE_STATE } from "../../assembly/abi.js";
import { bad, WeftError } from "../errors.js";
import type { NodeSpec } from "../graph/messages.js";
import { type Chain, CONTINUE, GATE_NEXT } from "../graph/wiring.js";
import { workerAt } from "../memory/memory.js";
import type { NodePlace } from "./api.js";
import type { Custom } from "./custom.js";
import type { Foundations, NodeLoader } from "./node-loader.js";

/** Bytes of a gate's state: a bit for each interface. */
const GATE_STATE = 32;

export class NodePlaces {
  constructor(private readonly on: Foundations, private readonly loader: NodeLoader) {}

  /** Puts a node somewhere; `named`: the custom node of a name. Throws BAD_ARGUMENT, NOT_FOUND, CONFLICT. */
  async enter(custom: Custom, place: NodePlace, named: (name: string) => Custom | undefined): Promise<void> {
    if (!custom.declarations[0]!.next.includes(CONTINUE)) {
      throw bad(`node ${custom.name} has no next slot "${CONTINUE}": it ends the way of packets and is led to by other nodes' next slots only`);
    }
    const { chain, at } = this.placeOf(custom, place, named);
    const index = place.interface === undefined ? null : this.on.configs.interfaceIndex(place.interface);
    if (this.on.wiring.chainOf(custom.nodes[0]!) === chain) return this.extend(custom, index!);
    const gate = index === null ? null : await this.addGate(custom, chain, index);
    chain.links.splice(at, 0, { node: custom.nodes[0]!, siblings: custom.nodes.slice(1), gate });
    if (!this.on.wiring.chains.includes(chain)) this.on.wiring.chains.push(chain);
    this.on.wiring.connect();
  }

  /** Takes a node out of the way of one interface's packets; of all, where none is given. */
  async leave(custom: Custom, one: { index: number; name: string } | null): Promise<void> {
    if (!this.on.wiring.chainOf(custom.nodes[0]!)) throw new WeftError("NOT_FOUND", `node ${custom.name} stands nowhere: there is nothing to bypass`);
    if (one === null) return this.takeOut(custom);
    if (!custom.interfaces?.has(one.index)) {
      throw new WeftError("NOT_FOUND", `node ${custom.name} does not stand there for ${one.name} in particular`);
    }
    if (custom.interfaces.size === 1) return this.takeOut(custom);
    custom.interfaces.delete(one.index);
    this.writeGate(custom);
  }

  /** Where a place lies: its chain and the position in it. Throws when the node stands elsewhere already. */
  private placeOf(custom: Custom, place: NodePlace, named: (name: string) => Custom | undefined): { chain: Chain; at: number } {
    const { wiring, registry } = this.on;
    const anchor = place.after === undefined ? "before" : "after";
    const name = place.after ?? place.before;
    const both = place.after !== undefined && place.before !== undefined;
    if (name === undefined || both) throw bad("give the node after which, or before which, to insert");
    const node = named(name)?.nodes[0] ?? registry.find(name);
    const here = wiring.chainOf(custom.nodes[0]!);
    const beside = wiring.chainOf(node);
    if (node === custom.nodes[0]) throw bad(`node ${name} cannot stand ${anchor} itself`);
    if (node.custom && !beside) throw bad(`node ${name} stands nowhere itself: insert it first`);
    if (node.kind === "port") throw bad(`${name} is a port of the graph: insert before ethernet-input, or before interface-output`);
    if (wiring.isGate(node)) throw bad(`${name} is the gate of a node: name that one`);
    if (anchor === "after" && !node.custom && !wiring.hasWayOn(node)) throw bad(`there is no one way on from ${name}`);
    const chain = beside ?? wiring.chains.find((one) => one.anchor === anchor && one.node === node) ?? { anchor, node, links: [] };
    if (here && !(here === chain && !beside && custom.interfaces && place.interface !== undefined)) {
      throw new WeftError("CONFLICT", `node ${custom.name} stands ${here.anchor} ${here.node.name} already: bypass it first, or load it once more`);
    }
    if (beside) return { chain, at: beside.links.findIndex((link) => link.node === node) + (anchor === "after" ? 1 : 0) };
    return { chain, at: anchor === "after" ? 0 : chain.links.length };
  }

  private extend(custom: Custom, index: number): void {
    custom.interfaces!.add(index);
    this.writeGate(custom);
  }

  private async addGate(custom: Custom, chain: Chain, index: number): Promise<NodeSpec> {
    const leaving = chain.node.name === "interface-output" || chain.node.name === "ip4-rewrite";
    const declared = { name: `${custom.name}-gate`, process: leaving ? "txGate" : "rxGate", next: GATE_NEXT, counters: [], state: GATE_STATE };
    const gate = this.on.registry.add("wasm", declared);
    this.loader.clearBlock(gate, 0, 0);
    custom.interfaces = new Set([index]);
    this.writeGate(custom, gate);
    await this.on.requests.send({ type: "add-node", node: gate });
    return gate;
  }

  private writeGate(custom: Custom, gate = this.gateOf(custom)): void {
    const words = new Uint32Array(GATE_STATE / 4);
    for (const index of custom.interfaces!) words[index >> 5]! |= 1 << (index & 31);
    const { u32, layout } = this.on.memory.packets;
    for (let worker = 0; worker < layout.workers; worker++) u32.set(words, (workerAt(worker) + gate.runtime + NODE_STATE + GATE_INTERFACES) >> 2);
  }

  private gateOf(custom: Custom): NodeSpec {
    return this.on.wiring.chainOf(custom.nodes[0]!)!.links.find((link) => link.node === custom.nodes[0])!.gate!;
  }

  async takeOut(custom: Custom): Promise<void> {
    const { gate } = this.on.wiring.unlink(custom.nodes[0]!);
    this.on.wiring.connect();
    await this.on.requests.turnEnd();
    custom.interfaces = null;
    if (!gate) return;
    await this.on.requests.send({ type: "remove-custom", nodes: [gate.index] });
    this.loader.forget(gate);
  }
}
