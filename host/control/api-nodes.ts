// Shapes of custom nodes: where they stand, what they may do, what they tell; api.ts gives them on.

/** Where a custom node stands in the graph. */
export interface NodePlace {
  /** the node after which, or before which, packets come to it: one of the graph's, or a custom one that stands there already */
  after?: string;
  before?: string;
  /** only packets of this interface; default those of all */
  interface?: string;
}

/** What happens to packets when a custom node traps. */
export interface NodePolicy {
  /** closed: they are dropped; open: they go to the next slot `via` */
  fail: "closed" | "open";
  /** next slot by its name in the node's declaration; default "continue" */
  via: string;
  /** ms after which a node that trapped starts anew with empty state, twice as long each time; 0: it goes on at once, with its state */
  restart: number;
  /** traps after which it is set aside until it is restarted; default 100; 0: no limit */
  limit: number;
}

/** A configuration as its node's schema wants it. */
export type NodeConfig = Record<string, unknown>;

export interface CustomNodeInfo {
  name: string;
  /** absolute path of the file it was loaded from, and the node's name there */
  file: string;
  declared: string;
  kind: "wasm" | "host";
  /** running; waiting: for its restart; set-aside: it trapped too often, or never returned */
  state: "running" | "waiting" | "set-aside";
  /** why it is not running */
  cause: string | null;
  /** where it stands; null: loaded only */
  place: { anchor: "after" | "before"; node: string; interfaces: string[] | null } | null;
  next: string[];
  policy: NodePolicy;
  config: NodeConfig;
  traps: number;
  /** bytes of state */
  stateSize: number;
  stateVersion: number;
  /** module region of its static data; null: it has none */
  region: number | null;
}

export interface NodeCounter {
  node: string;
  name: string;
  kind: "counter" | "gauge";
  value: number;
}

/** A table that a node keeps in its state, decoded as its declaration says. */
export interface NodeTable {
  node: string;
  table: string;
  columns: string[];
  /** in the order of the table's sort column, largest first, where it has one */
  rows: (string | number)[][];
}
