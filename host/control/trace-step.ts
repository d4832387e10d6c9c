// A traced packet at a node, decoded as the node's declaration wants it.

import { NEXT_HOLD } from "../../assembly/abi.js";
import type { NodeSpec } from "../graph/messages.js";
import { decodeField } from "../graph/node-table.js";
import { PACKET_FIELDS, type PacketField } from "../graph/node-trace.js";
import { TX_LOSSES } from "../graph/observation.js";
import { Kind, type TraceRecord } from "../graph/trace-ring.js";
import { settled } from "./custom.js";
import { dissect } from "./dissect.js";
import type { TraceStep } from "./trace-api.js";

/** A record, and its node as it was then; undefined: it was gone. */
export interface Seen {
  record: TraceRecord;
  node: NodeSpec | undefined;
}

const ENDS: Record<number, string> = {
  [Kind.trapped]: "the node trapped",
  [Kind.hung]: "the node never returned",
  [Kind.lost]: "lost: its frame was dropped after a trap",
  [Kind.passedOver]: "passed over: the node is not running",
  [Kind.circled]: "dropped: went round in circles",
};

/** `before`: the same packet at the node before, whose reason error-drop repeats; `field`: a field of the buffer's header as text. */
export function traceStep({ record, node }: Seen, before: Seen | undefined, field: (name: PacketField, value: number) => string): TraceStep {
  const { time, kind, data, total, state, header } = record;
  const passed = kind === Kind.passed;
  const fields = passed ? (node?.trace?.packet ?? []).map((name) => field(name, header.getUint16(PACKET_FIELDS[name], true))) : [];
  const values = passed ? (node?.trace?.state ?? []).map(({ name, type }, i) => `${name} ${decodeField(state, 8 * i, type)}`) : [];
  const lines = [...first(record, node, field), ...dissectAt(record, node), ...[...fields, ...values]];
  if (node?.name === "error-drop" && before) lines.push(reason(before));
  if (node === undefined) lines.push(`${total} bytes: ${dissect(data, null)[0] ?? "none"}`);
  const end = ENDS[kind] ?? (kind === Kind.passed && node?.kind === "host" && record.slot === NEXT_HOLD ? "held" : null);
  return { time, node: node ? settled(node.name) : `node ${record.node}`, lines, next: next(record, node), counted: counted({ record, node }), end };
}

/** Where it came in, or goes out. */
function first({ total, header }: TraceRecord, node: NodeSpec | undefined, field: (name: PacketField, value: number) => string): string[] {
  if (node?.kind !== "port") return [];
  const name = node.next.length > 0 ? "rx-interface" : "tx-interface";
  return [`${field(name, header.getUint16(PACKET_FIELDS[name], true))}, ${total} bytes`];
}

function dissectAt({ data }: TraceRecord, node: NodeSpec | undefined): string[] {
  if (node === undefined) return [];
  if (node.kind === "port") return dissect(data, "ethernet");
  if (node.trace === undefined) return dissect(data, null);
  return node.trace.layer === null ? [] : dissect(data, node.trace.layer);
}

function next({ kind, slot }: TraceRecord, node: NodeSpec | undefined): string | null {
  if (node === undefined || node.next.length === 0 || (kind !== Kind.passed && kind !== Kind.passedOver)) return null;
  if (node.kind === "host" && slot === NEXT_HOLD) return null;
  const name = node.next[slot & 0xff];
  const copy = slot >> 8 === 0 ? "" : `, a copy to ${node.next[slot >> 8] ?? `slot ${slot >> 8}`}`;
  return `${name ? settled(name) : `slot ${slot & 0xff}, which does not exist`}${copy}`;
}

function counted({ record, node }: Seen): string[] {
  const names = node?.kind === "port" ? TX_LOSSES.map(([, name]) => name) : (node?.counters ?? []);
  return names.filter((_, i) => (record.counted >> BigInt(i)) & 1n);
}

/** "ip4-input: bad header checksum" */
function reason(before: Seen): string {
  const why = ENDS[before.record.kind] ?? (counted(before).join("; ") || "no reason counted");
  return `${settled(before.node?.name ?? "")}: ${why}`;
}
