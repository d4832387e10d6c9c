// The manifest in a module's custom section `weft`: what its nodes are. Anyone may have written it: whatever the
// contract does not say is refused, so that a word mistyped today is not a feature misunderstood tomorrow.

import { CONTRACT_VERSION, COUNTER_COUNT, NEXT_COUNT } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import { quote, suggestion } from "../nearest.js";
import { shown } from "./config-value.js";
import { checkSchema, type ConfigSchema } from "./node-config.js";
import { type Layer, LAYERS, PACKET_FIELDS, type PacketField, STATE_FIELDS_MAX } from "./node-trace.js";

/** A node as its module declares it; what it leaves out has its default here. */
export interface NodeDeclaration {
  name: string;
  /** the exported function: process(node: i32, frame: i32, n: i32) */
  process: string;
  /** next nodes by slot */
  next: string[];
  /** reasons by counter index */
  counters: string[];
  /** levels, behind the counters in the same array */
  gauges: string[];
  /** bytes of state */
  state: number;
  /** version of the state's layout, and the older ones that the node can go on with */
  stateVersion: number;
  stateAccepts: number[];
  /** the exported function: configure(node: i32) -> i32 */
  configure: string | null;
  config: ConfigSchema | null;
  tables: StateTable[];
  /** how its packets' traces are shown; null: the first bytes in hex */
  trace: NodeTrace | null;
}

/** What a trace shows of a packet at a node. */
export interface NodeTrace {
  /** what the packet begins with when it comes; null: nothing of it is shown */
  layer: Layer | null;
  /** fields of its buffer's header, and of the node's state, as the node left them */
  packet: PacketField[];
  state: TableColumn[];
}

/** An array of rows in a node's state. */
export interface StateTable {
  name: string;
  /** offset of the first row in the state */
  at: number;
  rows: number;
  /** bytes of a row */
  size: number;
  /** offset in the row of a u32 that is not 0 while the row is in use */
  used: number;
  /** column by which rows are shown, largest first */
  sort: string | null;
  columns: TableColumn[];
}

export interface TableColumn {
  name: string;
  /** offset in the row */
  at: number;
  type: ColumnType;
}

/** Bytes of a column by its type. */
export const COLUMN_SIZES = { u8: 1, u16: 2, u16be: 2, u32: 4, u64: 8, ipv4: 4, mac: 6 };
export type ColumnType = keyof typeof COLUMN_SIZES;

const STATE_MAX = 4 * 2 ** 20;
export const NODE_NAME_MAX = 48;
const NODES_MAX = 64;
const MANIFEST_MAX = 65536;
const VERSION_MAX = 0xffffffff;
const TABLES_MAX = 16;
const COLUMNS_MAX = 32;
/** The one node that leads nowhere. */
const DROP = "error-drop";

const KEBAB = {
  form: new RegExp(`^(?=.{1,${NODE_NAME_MAX}}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$`),
  say: `kebab-case of at most ${NODE_NAME_MAX} characters`,
};
const WORD = { form: /^[!-~]{1,80}$/, say: "a word of at most 80 characters" };
const LINE = { form: /^[^\p{C}]{1,80}$/u, say: "a text of at most 80 characters on one line" };

const MANIFEST_FIELDS = ["contract", "nodes"];
const NODE_FIELDS = [
  "name", "process", "next", "counters", "gauges", "state", "stateVersion", "stateAccepts", "configure", "config", "tables", "trace",
];
const TABLE_FIELDS = ["name", "at", "rows", "size", "used", "sort", "columns"];
const COLUMN_FIELDS = ["name", "at", "type"];
const TRACE_FIELDS = ["layer", "packet", "state"];

type Fields = Readonly<Record<string, unknown>>;

/** Reads a manifest. Throws BAD_MODULE, its message without the file's name. */
export function parseManifest(section: Uint8Array): NodeDeclaration[] {
  const manifest = parseJson(section);
  checkContract((manifest as Fields | null)?.contract);
  const { nodes } = fieldsOf(manifest, "its manifest", MANIFEST_FIELDS);
  const list = Array.isArray(nodes) ? nodes : [];
  if (list.length === 0) throw bad("its manifest declares no nodes");
  if (list.length > NODES_MAX) throw bad(`its manifest declares ${list.length} nodes, at most ${NODES_MAX} are allowed`);
  const declared = list.map(nodeOf);
  const twice = repeated(declared.map(({ name }) => name));
  if (twice !== undefined) throw bad(`its manifest declares two nodes ${quote(twice)}`);
  return declared;
}

function parseJson(section: Uint8Array): unknown {
  if (section.length > MANIFEST_MAX) throw bad(`its custom section "weft" has ${section.length} bytes, at most ${MANIFEST_MAX} are allowed`);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(section));
  } catch (cause) {
    throw bad(`its custom section "weft" is not JSON: ${(cause as Error).message}`);
  }
}

function checkContract(version: unknown): void {
  if (version === CONTRACT_VERSION) return;
  if (!Number.isInteger(version)) throw bad(`its manifest: contract ${shown(version)} is no version: this weft knows ${CONTRACT_VERSION}`);
  const newer = (version as number) > CONTRACT_VERSION;
  if (newer) throw bad(`written for contract ${version}, this weft knows ${CONTRACT_VERSION}: update weft`);
  throw bad(`written for contract ${version}, which is no longer supported: build it again`);
}

function nodeOf(value: unknown, place: number): NodeDeclaration {
  const anonymous = `node ${place} of its manifest`;
  const fields = fieldsOf(value, anonymous, NODE_FIELDS);
  const name = textOf(fields, "name", anonymous, KEBAB);
  const where = `node ${name}`;
  const state = wholeOf(fields, "state", where, 0, STATE_MAX, 0);
  const [counters, gauges] = countersOf(fields, where);
  return {
    name,
    process: textOf(fields, "process", where, WORD),
    next: nextOf(fields, name, where),
    counters,
    gauges,
    state,
    stateVersion: wholeOf(fields, "stateVersion", where, 1, VERSION_MAX, 1),
    stateAccepts: listOf(fields, "stateAccepts", where, []).map((version, i) => whole(version, `${where}: stateAccepts[${i}]`, 1, VERSION_MAX)),
    configure: fields.configure === undefined ? null : textOf(fields, "configure", where, WORD),
    config: fields.config === undefined ? null : checkSchema(fields.config, `${where}: config`),
    tables: tablesOf(fields, where, state),
    trace: fields.trace === undefined ? null : traceOf(fields.trace, `${where}: trace`, state),
  };
}

function nextOf(fields: Fields, name: string, where: string): string[] {
  const next = textsOf(fields, "next", where, WORD);
  if (next.length > NEXT_COUNT) throw bad(`${where}: ${next.length} next nodes, at most ${NEXT_COUNT} are allowed`);
  if (next[0] !== DROP && name !== DROP) throw bad(`${where}: next[0] is ${shown(next[0])}, slot 0 is always ${quote(DROP)}`);
  return next;
}

function countersOf(fields: Fields, where: string): [counters: string[], gauges: string[]] {
  const counters = textsOf(fields, "counters", where, LINE);
  const gauges = textsOf(fields, "gauges", where, LINE, []);
  const both = [...counters, ...gauges];
  if (both.length > COUNTER_COUNT) {
    throw bad(`${where}: ${both.length} counters and gauges, at most ${COUNTER_COUNT} are allowed`);
  }
  const twice = repeated(both);
  if (twice !== undefined) throw bad(`${where}: two counters or gauges ${quote(twice)}`);
  return [counters, gauges];
}

function tablesOf(fields: Fields, where: string, state: number): StateTable[] {
  const list = listOf(fields, "tables", where, []);
  if (list.length > TABLES_MAX) throw bad(`${where}: ${list.length} tables, at most ${TABLES_MAX} are allowed`);
  const tables = list.map((table, i) => tableOf(table, `${where}: tables[${i}]`, state));
  const twice = repeated(tables.map(({ name }) => name));
  if (twice !== undefined) throw bad(`${where}: two tables ${quote(twice)}`);
  return tables;
}

function tableOf(value: unknown, anonymous: string, state: number): StateTable {
  const fields = fieldsOf(value, anonymous, TABLE_FIELDS);
  const name = textOf(fields, "name", anonymous, KEBAB);
  const where = `${anonymous} ${name}`;
  const at = wholeOf(fields, "at", where, 0, state);
  const rows = wholeOf(fields, "rows", where, 1, STATE_MAX);
  const size = wholeOf(fields, "size", where, 4, STATE_MAX);
  if (at + rows * size > state) throw bad(`${where}: ${rows} rows of ${size} bytes at ${at} end beyond the state's ${state} bytes`);
  const columns = columnsOf(fields, where, size);
  const sort = fields.sort === undefined ? null : textOf(fields, "sort", where, LINE);
  const names = columns.map((column) => column.name);
  if (sort !== null && !names.includes(sort)) throw bad(`${where}: sort: no column ${quote(sort)}${suggestion(sort, names)}`);
  return { name, at, rows, size, used: wholeOf(fields, "used", where, 0, size - 4), sort, columns };
}

function traceOf(value: unknown, where: string, state: number): NodeTrace {
  const fields = fieldsOf(value, where, TRACE_FIELDS);
  const list = listOf(fields, "state", where, []);
  const words = Object.keys(PACKET_FIELDS) as PacketField[];
  if (list.length > STATE_FIELDS_MAX) throw bad(`${where}: ${list.length} fields of the state, at most ${STATE_FIELDS_MAX} are allowed`);
  return {
    layer: fields.layer === undefined ? null : wordOf(fields.layer, `${where}: layer`, Object.keys(LAYERS) as Layer[]),
    packet: listOf(fields, "packet", where, []).map((field, i) => wordOf(field, `${where}: packet[${i}]`, words)),
    state: list.map((field, i) => columnOf(field, `${where}: state[${i}]`, state, "state")),
  };
}

function columnsOf(fields: Fields, where: string, size: number): TableColumn[] {
  const list = listOf(fields, "columns", where);
  if (list.length === 0 || list.length > COLUMNS_MAX) throw bad(`${where}: ${list.length} columns, 1 to ${COLUMNS_MAX} are allowed`);
  const columns = list.map((column, i) => columnOf(column, `${where}: columns[${i}]`, size, "row"));
  const twice = repeated(columns.map(({ name }) => name));
  if (twice !== undefined) throw bad(`${where}: two columns ${quote(twice)}`);
  return columns;
}

/** A field of `what`, which has `size` bytes. */
function columnOf(value: unknown, where: string, size: number, what: "row" | "state"): TableColumn {
  const fields = fieldsOf(value, where, COLUMN_FIELDS);
  const types = Object.keys(COLUMN_SIZES);
  const type = textOf(fields, "type", where, WORD) as ColumnType;
  if (!types.includes(type)) throw bad(`${where}: unknown type ${quote(type)}${suggestion(type, types)}`);
  const at = wholeOf(fields, "at", where, 0, size);
  if (at + COLUMN_SIZES[type] > size) throw bad(`${where}: a ${type} at ${at} ends beyond the ${what}'s ${size} bytes`);
  return { name: textOf(fields, "name", where, LINE), at, type };
}

function fieldsOf(value: unknown, where: string, known: string[]): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(`${where}: ${shown(value)} is not an object`);
  const stranger = Object.keys(value).find((key) => !known.includes(key));
  if (stranger !== undefined) throw bad(`${where}: unknown field ${quote(stranger)}${suggestion(stranger, known)}`);
  return value as Fields;
}

type Form = typeof WORD;

function textOf(fields: Fields, key: string, where: string, form: Form): string {
  return text(present(fields, key, where), `${where}: ${key}`, form);
}

function textsOf(fields: Fields, key: string, where: string, form: Form, missing?: string[]): string[] {
  return listOf(fields, key, where, missing).map((value, i) => text(value, `${where}: ${key}[${i}]`, form));
}

function listOf(fields: Fields, key: string, where: string, missing?: unknown[]): unknown[] {
  const value = fields[key] === undefined && missing ? missing : present(fields, key, where);
  if (!Array.isArray(value)) throw bad(`${where}: ${key}: ${shown(value)} is not an array`);
  return value;
}

function wholeOf(fields: Fields, key: string, where: string, least: number, most: number, missing?: number): number {
  if (fields[key] === undefined && missing !== undefined) return missing;
  return whole(present(fields, key, where), `${where}: ${key}`, least, most);
}

function present(fields: Fields, key: string, where: string): unknown {
  if (fields[key] === undefined) throw bad(`${where}: ${quote(key)} is missing`);
  return fields[key];
}

function text(value: unknown, where: string, { form, say }: Form): string {
  if (typeof value === "string" && form.test(value)) return value;
  throw bad(`${where}: ${shown(value)} is not ${say}`);
}

function wordOf<T extends string>(value: unknown, where: string, words: T[]): T {
  const word = words.find((one) => one === value);
  if (word !== undefined) return word;
  throw bad(`${where}: ${shown(value)} is none of ${words.join(", ")}${typeof value === "string" ? suggestion(value, words) : ""}`);
}

function whole(value: unknown, where: string, least: number, most: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number;
  throw bad(`${where}: ${shown(value)} is not a whole number from ${least} to ${most}`);
}

function repeated(names: string[]): string | undefined {
  return names.find((name, i) => names.indexOf(name) !== i);
}

/** Words out of the manifest are in the message: none of them may move the terminal's cursor. */
function bad(message: string): WeftError {
  return new WeftError("BAD_MODULE", message.replace(/\p{C}/gu, "?"));
}
