// What random changes of custom nodes must come to: which nodes stand where, kept as lists, and so what trail a
// packet has. It knows nothing of arcs and slots.

import type { NodePlace } from "../../host/control/api.js";

/** The nodes that a packet comes to on its way through the router, each by its slot 1 but for the first. */
const WAY = ["ethernet-input", "ip4-input", "ip4-lookup", "ip4-rewrite", "interface-output"];
/** Here it is the interface that a packet leaves by that counts. */
const LEAVING = ["ip4-rewrite", "interface-output"];
export const PLACES = [
  ...WAY.map((before) => ({ before })), ...["ip4-input", "ip4-lookup", "ip4-rewrite"].map((after) => ({ after })),
] as NodePlace[];

/** What is added to a node's mark: by the second version, by the second node of the third one. */
export const SECOND = 100;
export const TAIL = 200;

export type Change =
  | { what: "load"; name: string; mark: number; version: number }
  | { what: "replace"; name: string; version: number }
  | { what: "insert"; name: string; place: NodePlace }
  | { what: "bypass"; name: string; interface?: string }
  | { what: "unload"; name: string }
  | { what: "configure"; name: string; mark: number };

interface Standing {
  name: string;
  /** null: for packets of every interface */
  on: string[] | null;
}

interface State {
  nodes: Record<string, { mark: number; version: number }>;
  /** by "after ip4-lookup" */
  chains: Record<string, Standing[]>;
}

export class Model {
  private state: State = { nodes: {}, chains: {} };

  /** `interfaces`: the two between which packets go. */
  constructor(readonly interfaces: [string, string]) {}

  get names(): string[] {
    return Object.keys(this.state.nodes);
  }

  /** Makes a change; false if it must be refused. */
  change(change: Change): boolean {
    const next = structuredClone(this.state);
    if (!apply(next, change)) return false;
    this.state = next;
    return true;
  }

  /** Marks on packets from each of the interfaces to the other. */
  trails(): [number[], number[]] {
    const [left, right] = this.interfaces;
    return [this.trail(left, right), this.trail(right, left)];
  }

  private trail(from: string, to: string): number[] {
    const places = WAY.flatMap((node, i) => (i === 0 ? [`before ${node}`] : [`before ${node}`, `after ${node}`]));
    return places.flatMap((place) => {
      const by = LEAVING.some((node) => place.endsWith(node)) ? to : from;
      return (this.state.chains[place] ?? []).filter(({ on }) => on === null || on.includes(by)).flatMap(({ name }) => this.marks(name));
    });
  }

  private marks(name: string): number[] {
    const { mark, version } = this.state.nodes[name]!;
    return [[mark], [mark + SECOND], [mark, mark + TAIL]][version]!;
  }
}

function apply({ nodes, chains }: State, change: Change): boolean {
  const { name } = change;
  if (change.what === "load") {
    if (name in nodes) return false;
    nodes[name] = { mark: change.mark, version: change.version };
    return true;
  }
  const node = nodes[name];
  if (!node) return false;
  const chain = Object.values(chains).find((list) => list.some((one) => one.name === name));
  const place = chain?.findIndex((one) => one.name === name) ?? -1;
  switch (change.what) {
    case "replace":
      node.version = change.version;
      return true;
    case "configure":
      node.mark = change.mark;
      return true;
    case "unload":
      chain?.splice(place, 1);
      delete nodes[name];
      return true;
    case "bypass":
      return chain !== undefined && leave(chain, place, change.interface);
    case "insert":
      return insert(chains, chain?.[place], name, change.place);
  }
}

function leave(chain: Standing[], place: number, one: string | undefined): boolean {
  const { on } = chain[place]!;
  if (one !== undefined && !on?.includes(one)) return false;
  if (one === undefined || on!.length === 1) chain.splice(place, 1);
  else on!.splice(on!.indexOf(one), 1);
  return true;
}

function insert(chains: State["chains"], standing: Standing | undefined, name: string, place: NodePlace): boolean {
  const anchor = place.after ?? place.before!;
  const on = place.interface === undefined ? null : [place.interface];
  if (!PLACES.some(({ after, before }) => anchor === after || anchor === before)) {
    const chain = Object.values(chains).find((list) => list.some((one) => one.name === anchor));
    if (!chain || standing || anchor === name) return false;
    chain.splice(chain.findIndex((one) => one.name === anchor) + (place.after === undefined ? 0 : 1), 0, { name, on });
    return true;
  }
  const list = (chains[place.after === undefined ? `before ${anchor}` : `after ${anchor}`] ??= []);
  if (standing) {
    if (!list.includes(standing) || standing.on === null || on === null) return false;
    if (!standing.on.includes(on[0]!)) standing.on.push(on[0]!);
  } else if (place.after === undefined) list.push({ name, on });
  else list.unshift({ name, on });
  return true;
}
