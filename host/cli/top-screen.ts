// How weft top draws rates: lines for a screen of any size.

import type { NodeRates, Rates } from "./top-rates.js";

/** Readings of which sparklines tell. */
export const HISTORY = 30;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const LEVELS = "▁▂▃▄▅▆▇█";
const BAR = 20;
const GAP = "  ";
/** of the names; longer ones are cut */
const NAME_MOST = 32;

export type Order = "clocks" | "packets" | "name";
export const ORDERS: Order[] = ["clocks", "packets", "name"];

export interface View {
  rates: Rates;
  /** packets a second of the last readings, by node; of what came in by "" */
  history: Map<string, number[]>;
  order: Order;
  paused: boolean;
  colours: boolean;
}

/** A column, and from which width of the screen on there is room for it. */
interface Column {
  title: string;
  from: number;
  left?: true;
  cell: (node: NodeRates, view: View) => string;
}

const COLUMNS: Column[] = [
  { title: "Node", from: 0, left: true, cell: ({ name }) => printable(name).slice(0, NAME_MOST) },
  { title: "Share", from: 0, cell: ({ share }) => percent(share) },
  { title: "".padEnd(BAR), from: 76, left: true, cell: ({ share }) => bar(share, BAR).padEnd(BAR) },
  { title: "Clk/pkt", from: 36, cell: ({ clocksPerPacket }) => clocks(clocksPerPacket) },
  { title: "Packets/s", from: 48, cell: ({ rate }) => amount(rate) },
  { title: "Vec/call", from: 90, cell: ({ vectorsPerCall }) => vectorsPerCall.toFixed(1) },
  { title: "Past", from: 112, left: true, cell: ({ name }, { history }) => sparkline(history.get(name) ?? []) },
];

/** At most `rows` lines of at most `columns` characters; the nodes that do not fit are counted in the last. */
export function screen(view: View, columns: number, rows: number): string[] {
  const { rates, colours, order } = view;
  const nodes = sorted(rates.nodes, order);
  const shown = COLUMNS.filter(({ from }) => columns >= from);
  const cells = nodes.map((node) => shown.map(({ cell }) => cell(node, view)));
  const widths = shown.map(({ title }, i) => Math.max(title.length, ...cells.map((row) => row[i]!.length)));
  const line = (row: string[]): string =>
    row.map((cell, i) => (shown[i]!.left ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(GAP).trimEnd().slice(0, columns);
  const head = [...summary(view, columns), "", line(shown.map(({ title }) => title))];
  const room = Math.max(0, rows - head.length);
  const some = nodes.length > room ? Math.max(0, room - 1) : nodes.length;
  const most = Math.max(0, ...nodes.map(({ share }) => share));
  const lines = cells.slice(0, some).map((row, i) => {
    const hottest = most > 0 && nodes[i]!.share === most;
    return colour(line(row), nodes[i]!.traps > 0 ? RED : hottest ? YELLOW : "", colours);
  });
  if (nodes.length === 0) lines.push("no packets".slice(0, columns));
  else if (some < nodes.length) lines.push(`… and ${nodes.length - some} more`.slice(0, columns));
  return [...head.map((text, i) => colour(text, i === head.length - 1 ? DIM : BOLD, colours)), ...lines].slice(0, rows);
}

/** What concerns the whole router, in two lines; on narrow screens in more. */
function summary({ rates, history, paused, order }: View, columns: number): string[] {
  const busy = rates.workers.map((worker) => percent(worker.busy)).join(" ");
  const measured = rates.clocksPerPacket > 0 || rates.nodes.length === 0;
  const traffic = [`in ${amount(rates.rxRate)} packets/s`, `out ${amount(rates.txRate)}`, `dropped ${amount(rates.dropRate)}`];
  const work = [
    `busy ${measured ? busy : "?"}`, measured ? `${clocks(rates.clocksPerPacket)} clocks/packet` : "clocks not measured (--no-clocks)",
    `${rates.vectorsPerCall.toFixed(1)} vectors/call`,
  ];
  const past = history.get("") ?? [];
  const state = paused ? ["PAUSED"] : order === "clocks" ? [] : [`by ${order}`];
  return [...joined([...traffic, ...(past.length > 1 && columns >= 60 ? [sparkline(past)] : [])], columns), ...joined([...work, ...state], columns)];
}

/** In as few lines as they fit. */
function joined(parts: string[], columns: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const longer = lines.length === 0 ? part : `${lines.at(-1)!}   ${part}`;
    if (lines.length > 0 && longer.length <= columns) lines[lines.length - 1] = longer;
    else lines.push(part.slice(0, columns));
  }
  return lines;
}

function sorted(nodes: NodeRates[], order: Order): NodeRates[] {
  const by: Record<Order, (a: NodeRates, b: NodeRates) => number> = {
    clocks: (a, b) => b.share - a.share || b.rate - a.rate,
    packets: (a, b) => b.rate - a.rate,
    name: (a, b) => (a.name < b.name ? -1 : 1),
  };
  return [...nodes].sort(by[order]);
}

/** `part` (0 … 1) of `width` characters, in eighths. */
export function bar(part: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, part)) * width * 8);
  return "█".repeat(eighths >> 3) + EIGHTHS[eighths & 7]!;
}

/** One character a value, the highest for the largest of them; a blank for nothing. */
export function sparkline(values: number[]): string {
  const most = Math.max(...values);
  return values.map((value) => (value <= 0 ? " " : LEVELS[Math.ceil((value / most) * LEVELS.length) - 1]!)).join("");
}

/** "812", "4.81k", "12.3M": three digits. */
export function amount(value: number): string {
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]] as const) {
    if (value >= size * 0.9995) return `${(value / size).toPrecision(3)}${unit}`;
  }
  return value >= 10 || Number.isInteger(value) ? value.toFixed(0) : value.toFixed(1);
}

function clocks(value: number): string {
  return value < 10_000 ? value.toFixed(1) : amount(value);
}

function percent(part: number): string {
  return `${(part * 100).toFixed(part > 0 && part < 0.0995 ? 1 : 0)} %`;
}

/** What comes from a router may be anything; a terminal takes some of it for commands. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?");
}

const BOLD = "1";
const DIM = "2";
const RED = "31";
const YELLOW = "33";

/** ECMA-48 SGR */
function colour(text: string, code: string, colours: boolean): string {
  return colours && code !== "" && text !== "" ? `\x1b[${code}m${text}\x1b[m` : text;
}
