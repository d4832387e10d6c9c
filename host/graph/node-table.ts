// A table that a node keeps in its state, as its declaration says it lies there: rows of one size, of which some are used.
//
//   state
//   |<-- at -->|<------ size ------>|<------ size ------>|
//   +- - - - - +---------+----------+---------+----------+- - -
//   |          | columns | used     | columns | used     |         `rows` of them
//   +- - - - - +---------+----------+---------+----------+- - -
//
// The node may be writing at this moment, and may write what it likes: every value is read once, and none leads anywhere.

import { COLUMN_SIZES, type ColumnType, type StateTable } from "./manifest.js";

/** A table as a manifest declares it, its defaults filled in or not. */
export type TableDeclaration = Omit<StateTable, "sort"> & { sort?: string | null };

type Cell = number | string;
type SortKey = number | bigint;

/** The used rows of a table, from the node's state in every worker. A u64 beyond the exact numbers comes as text. */
export function decodeTable(table: TableDeclaration, states: readonly DataView[]): Cell[][] {
  const sort = table.columns.find((column) => column.name === table.sort);
  const rows = states.flatMap((state) => usedRows(table, state).map((at): { cells: Cell[]; key: SortKey } => {
    const values = table.columns.map((column) => read(state, at + column.at, column.type));
    return { cells: values.map((value, i) => format(value, table.columns[i]!.type)), key: sort ? values[table.columns.indexOf(sort)]! : 0 };
  }));
  if (sort) rows.sort((a, b) => (a.key < b.key ? 1 : a.key > b.key ? -1 : 0));
  return rows.map((row) => row.cells);
}

/** One value of a node's state as it is shown. */
export function decodeField(state: DataView, at: number, type: ColumnType): Cell {
  return format(read(state, at, type), type);
}

/** Offsets of the used rows that lie in the state as a whole. */
function usedRows(table: TableDeclaration, state: DataView): number[] {
  const reach = Math.max(table.size, table.used + 4, ...table.columns.map((column) => column.at + COLUMN_SIZES[column.type]));
  const fit = Math.floor((state.byteLength - table.at - reach) / table.size) + 1;
  const all = Array.from({ length: Math.max(0, Math.min(table.rows, fit)) }, (_, i) => table.at + i * table.size);
  return all.filter((at) => state.getUint32(at + table.used, true) !== 0);
}

/** A value as it compares: addresses by their bytes from the first on. */
function read(state: DataView, at: number, type: ColumnType): SortKey {
  switch (type) {
    case "u8":
      return state.getUint8(at);
    case "u16":
      return state.getUint16(at, true);
    case "u16be":
      return state.getUint16(at, false);
    case "u32":
      return state.getUint32(at, true);
    case "u64":
      return state.getBigUint64(at, true);
    case "ipv4":
      return state.getUint32(at, false);
    case "mac":
      return state.getUint16(at, false) * 2 ** 32 + state.getUint32(at + 2, false);
  }
}

function format(value: SortKey, type: ColumnType): Cell {
  if (type === "ipv4") return bytes(value, 4).join(".");
  if (type === "mac") return bytes(value, 6).map((byte) => byte.toString(16).padStart(2, "0")).join(":");
  return value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value);
}

/** The bytes of a number, the highest first. */
function bytes(value: SortKey, count: number): number[] {
  return Array.from({ length: count }, (_, i) => Math.floor(Number(value) / 256 ** (count - 1 - i)) % 256);
}
