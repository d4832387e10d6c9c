// For editors only: what AssemblyScript has no words for, so that a declaration is completed and
// checked as it is typed. The compiler never reads this.

/** A node as declareNode takes it. */
interface NodeDeclaration {
  /** the node's name, kebab-case, at most 48 characters */
  name: string;
  /** the function for a packet: fn(node: usize, buffer: usize): u32 gives its next slot; the loop over the vector is made for it */
  packet?: string;
  /** in place of it the exported function for a vector: fn(node: usize, frame: usize, n: u32): void */
  process?: string;
  /**
   * Next nodes by slot. Slot 0 is always "error-drop"; "continue" is where the packet would have gone without this node;
   * others are nodes of the graph, or of this module.
   */
  next: string[];
  /** what is counted, by counter; at most 64 together with the gauges */
  counters?: string[];
  /** what is measured; their numbers go on behind the counters' */
  gauges?: string[];
  /** bytes of state, zero when the node is loaded */
  state?: number;
  /** version of the state's layout, default 1; and those of others whose state it understands */
  stateVersion?: number;
  stateAccepts?: number[];
  /** the exported function that looks at a new configuration: fn(node: usize): i32 gives 0, or a number that says why it is refused */
  configure?: string;
  config?: NodeConfig;
  /** tables in the state, so that `show node table` can print them */
  tables?: NodeTable[];
  /** what `show trace` prints of its packets; without it: their first bytes in hex */
  trace?: NodeTrace;
}

interface NodeConfig {
  type: "object";
  properties: { [name: string]: NodeValue | NodeList };
  required?: string[];
  title?: string;
  description?: string;
}

interface NodeValue {
  type: "integer" | "boolean" | "string";
  format?: "u64" | "ipv4" | "ipv4-prefix" | "mac" | "interface";
  enum?: string[];
  minimum?: number;
  maximum?: number;
  default?: number | boolean | string;
  title?: string;
  description?: string;
}

interface NodeList {
  type: "array";
  items: { type: "object"; properties: { [name: string]: NodeValue }; required?: string[]; title?: string; description?: string };
  maxItems: number;
  title?: string;
  description?: string;
}

interface NodeTable {
  name: string;
  /** offset in the state */
  at: number;
  rows: number;
  /** bytes of a row */
  size: number;
  /** offset in the row of a u32 that is not 0 when the row is used */
  used: number;
  /** a column: rows with the largest first */
  sort?: string;
  columns: { name: string; at: number; type: "u8" | "u16" | "u16be" | "u32" | "u64" | "ipv4" | "mac" }[];
}

interface NodeTrace {
  /** what a packet begins with when it comes to the node: its headers are shown from there on */
  layer?: "ethernet" | "arp" | "ip4";
  /** fields of its buffer's header, as the node left them */
  packet?: ("rx-interface" | "tx-interface" | "adjacency" | "icmp-error" | "punt")[];
  /** fields of the node's state, as it left them; four at most */
  state?: { name: string; at: number; type: "u8" | "u16" | "u16be" | "u32" | "u64" | "ipv4" | "mac" }[];
}
