// Host nodes from outside: JavaScript functions in the graph, for slow paths and prototypes. A file
// exports `nodes`, each declared as a WebAssembly node is, with a function in place of an export's name.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { B_DATA, B_LENGTH, B_RX_IF, B_TOTAL, B_TX_IF, CONTRACT_VERSION } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import type { Graph, Process } from "./graph.js";
import { type NodeDeclaration, parseManifest } from "./manifest.js";
import type { CustomSpec } from "./messages.js";

/** What a host node's file declares. */
export interface HostNode {
  /** kebab-case */
  name: string;
  /** next nodes by slot; slot 0 is error-drop, "continue" where the packet would have gone without this node */
  next: string[];
  counters?: string[];
  /** Takes one packet; gives its next slot. What it throws counts as a trap. */
  packet: (packet: HostPacket) => number;
}

export interface HostNodeModule {
  nodes: HostNode[];
}

/** A packet in a host node's hands, only while it is called. */
export interface HostPacket {
  /** the current layer's bytes in the packet's first buffer; writing to them changes the packet */
  readonly bytes: Uint8Array;
  /** bytes of the current layer over the whole chain */
  readonly length: number;
  /** software interface indices */
  readonly rxInterface: number;
  readonly txInterface: number;
  /** Adds to one of the node's own counters, by its place. */
  count(counter: number, by?: number): void;
}

/** What a file of host nodes declares. Throws BAD_MODULE. */
export async function declareHostNodes(url: string, path: string): Promise<NodeDeclaration[]> {
  let nodes: unknown;
  try {
    ({ nodes } = (await import(url)) as Partial<HostNodeModule>);
  } catch (cause) {
    throw new WeftError("BAD_MODULE", `${path}: ${(cause as Error).message}`, { cause });
  }
  const list = Array.isArray(nodes) ? (nodes as Partial<HostNode>[]) : [];
  const mute = list.find((node) => typeof node?.packet !== "function");
  if (list.length === 0 || mute) {
    throw new WeftError("BAD_MODULE", `${path}: it must export "nodes", an array of { name, next, counters, packet(packet) }`);
  }
  const declared = list.map(({ packet, counters = [], ...rest }) => ({ ...rest, counters, process: rest.name }));
  try {
    return parseManifest(new TextEncoder().encode(JSON.stringify({ contract: CONTRACT_VERSION, nodes: declared })));
  } catch (cause) {
    throw new WeftError("BAD_MODULE", `${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Of a file's contents. */
export function digestOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Imports a file of host nodes in a worker; `url` ends in its digest. Throws where it is not what was loaded any more. */
export async function importHostNodes(url: string): Promise<HostNodeModule> {
  const [file, digest] = url.split("?") as [string, string];
  const path = fileURLToPath(file);
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new Error(`${path} cannot be read by the worker: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
  if (digestOf(bytes) !== digest) throw new Error(`${path} is not what it was when it was loaded: "node replace" takes the new one`);
  return (await import(url)) as HostNodeModule;
}

/** The functions that the graph calls for the nodes of a file. */
export function hostNodes(implementation: HostNodeModule, spec: CustomSpec, graph: Graph): Process[] {
  return spec.nodes.map((one) => {
    const packet = implementation.nodes?.find((node) => node.name === one.process)?.packet;
    if (!packet) throw new Error(`${spec.url.split("?")[0]} has no node "${one.process}" any more`);
    return (node, frame, n) => {
      for (let i = 0; i < n; i++) graph.setNext(frame, i, packet(view(graph, node, graph.bufferAt(frame, i))));
    };
  });
}

function view(graph: Graph, node: number, buffer: number): HostPacket {
  const { u8, u16, u32 } = graph.packets;
  const data = buffer + u16[(buffer + B_DATA) >> 1]!;
  return {
    bytes: u8.subarray(data, data + u16[(buffer + B_LENGTH) >> 1]!),
    length: u32[(buffer + B_TOTAL) >> 2]!,
    rxInterface: u16[(buffer + B_RX_IF) >> 1]!,
    txInterface: u16[(buffer + B_TX_IF) >> 1]!,
    count: (counter, by = 1) => graph.count(node, counter, by),
  };
}
