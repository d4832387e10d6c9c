// A workload as a picture: on the left bars of clocks a packet, stacked by node, for the vectors that a busy router has; on the right how
// the sum falls as vectors grow, beside what native code takes for the same.

import { caseName, type Spread, type WorkloadReport } from "./report.js";

/** What else is drawn: clocks a packet for each vector size, measured on the same machine. */
export interface Reference {
  name: string;
  clocks: number[];
}

interface Panel {
  left: number;
  right: number;
  /** pixels from the top, of a number of clocks */
  y(clocks: number): number;
}

const [WIDTH, HEIGHT, TOP, BOTTOM] = [960, 460, 124, 404];
const [INK, FAINT, GRID] = ["#1a1a1a", "#5a5a5a", "#e2e2e2"];
/** Okabe and Ito's colours, which the colour-blind can tell apart; a node has the same in all charts. */
const COLOURS = new Map([
  ["ethernet-input", "#0072b2"], ["arp-input", "#999999"], ["ip4-input", "#e69f00"], ["ip4-lookup", "#009e73"], ["ip4-local", "#f0e442"],
  ["icmp4-input", "#d55e00"], ["ip4-rewrite", "#cc79a7"], ["interface-output", "#56b4e9"],
]);
const WEFT = "#0072b2";
/** Vectors of fewer packets would make the others' bars too small to see. */
const BAR_LEAST = 16;
const DASHES = ["7 4", "2 3", "9 3 2 3"];

/**
 * SVG text, on a white card of its own, so it can be put on any background. `vectors`: the sizes that the report has, from the smallest;
 * `machine`: what it was measured on.
 */
export function chart(report: WorkloadReport, vectors: number[], machine: string, references: Reference[] = []): string {
  const parts = [
    text(32, 34, caseName(report), { size: 20, weight: 600 }),
    text(32, 56, report.title, { size: 15 }),
    text(32, 76, `TSC clocks a packet, medians with quartiles; ${machine}`, { size: 12, fill: FAINT }),
    ...bars(report, vectors, references),
    ...legend(report, vectors.length - 1),
    ...curves(report, vectors, references),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="Helvetica, Arial, sans-serif" font-size="13">`,
    `<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="8" fill="#ffffff" stroke="#d0d0d0"/>`, ...parts, "</svg>", "",
  ].join("\n");
}

/** Stacked bars, from zero; beside that of the longest vectors what native code takes. */
function bars(report: WorkloadReport, vectors: number[], references: Reference[]): string[] {
  const shown = vectors.flatMap((size, column) => (size >= BAR_LEAST ? [column] : []));
  const last = vectors.length - 1;
  const highest = Math.max(...shown.map((column) => report.sum[column]!.q3), ...references.map(({ clocks }) => clocks[last]!)) * 1.1;
  const panel: Panel = { left: 64, right: 370, y: (clocks) => BOTTOM - (clocks / highest) * (BOTTOM - TOP) };
  const step = (panel.right - panel.left) / shown.length;
  const columns = shown.flatMap((column, place) =>
    bar(report, column, panel, panel.left + (place + 0.2) * step, step * 0.55, String(vectors[column])));
  const marks = references.flatMap(({ name, clocks }, i) => {
    const y = panel.y(clocks[last]!);
    return [`<path d="M${panel.right - 12} ${point(y)}h30" stroke="${INK}" stroke-width="1.5" stroke-dasharray="${dash(i)}"/>`,
      text(panel.right + 22, y + 4, `${name} ${clocks[last]!.toFixed(1)}`, { size: 11, fill: FAINT })];
  });
  return [...grid(panel, linearTicks(highest)), ...columns, ...marks, ...names(panel, "by node")];
}

/** One bar with its quartiles; each part says how many clocks it is, where it is high enough. */
function bar(report: WorkloadReport, column: number, { y }: Panel, x: number, width: number, label: string): string[] {
  let below = 0;
  const parts = report.nodes.flatMap(({ name, clocks }) => {
    const [from, value] = [below, clocks[column]!.median];
    below += value;
    const height = y(from) - y(below);
    const box = `<rect x="${point(x)}" y="${point(y(below))}" width="${point(width)}" height="${point(height)}" fill="${colour(name)}">`
      + `<title>${escape(name)}: ${value.toFixed(1)}</title></rect>`;
    if (height < 13) return [box];
    return [box, text(x + width / 2, y(below) + height / 2 + 4, value.toFixed(1), { anchor: "middle", size: 11, fill: onColour(colour(name)) })];
  });
  const total = report.sum[column]!;
  const middle = x + width / 2;
  const whisker = `<path d="M${point(x + width + 5)} ${point(y(total.q1))}V${point(y(total.q3))}" stroke="${INK}" stroke-width="2"/>`;
  const sum = text(middle, y(below) - 7, total.median.toFixed(total.median < 100 ? 1 : 0), { anchor: "middle", weight: 600 });
  return [...parts, whisker, sum, text(middle, BOTTOM + 18, label, { anchor: "middle" })];
}

/** The nodes in the order in which they are stacked. */
function legend(report: WorkloadReport, column: number): string[] {
  const left = 528;
  return [text(left, TOP - 12, "at 256", { fill: FAINT }), ...report.nodes.flatMap(({ name, clocks }, i) => {
    const y = TOP + 2 + (report.nodes.length - 1 - i) * 22;
    return [`<rect x="${left}" y="${y}" width="13" height="13" rx="2" fill="${colour(name)}"/>`,
      text(left + 20, y + 11, name), text(left + 164, y + 11, clocks[column]!.median.toFixed(1), { anchor: "end" })];
  })];
}

/** Sums by vector size, both axes logarithmic. */
function curves(report: WorkloadReport, vectors: number[], references: Reference[]): string[] {
  const all = [...report.sum.map(({ median }) => median), ...references.flatMap(({ clocks }) => clocks)];
  const [low, high] = [Math.log(Math.min(...all) / 1.25), Math.log(Math.max(...all) * 1.25)];
  const panel: Panel = { left: 748, right: 936, y: (clocks) => BOTTOM - ((Math.log(clocks) - low) / (high - low)) * (BOTTOM - TOP) };
  const x = (column: number): number => panel.left + 12 + ((panel.right - panel.left - 24) * column) / (vectors.length - 1);
  const line = (clocks: number[]): string => clocks.map((value, column) => `${point(x(column))},${point(panel.y(value))}`).join(" ");
  const weft = report.sum.map(({ median }: Spread) => median);
  const drawn = [{ name: "weft", clocks: weft }, ...references].flatMap(({ name, clocks }, i) => {
    const style = i === 0 ? `stroke="${WEFT}" stroke-width="3"` : `stroke="${INK}" stroke-width="1.5" stroke-dasharray="${dash(i - 1)}"`;
    const key = TOP + 8 + i * 18;
    const sample = `<path d="M${panel.right - 132} ${key}h26" ${style}/>`;
    return [`<polyline points="${line(clocks)}" fill="none" ${style}/>`, sample, text(panel.right - 100, key + 4, name, { size: 12 })];
  });
  const dots = weft.map((value, column) =>
    `<circle cx="${point(x(column))}" cy="${point(panel.y(value))}" r="4" fill="${WEFT}"><title>${value.toFixed(1)}</title></circle>`);
  const labels = vectors.map((size, column) => text(x(column), BOTTOM + 18, String(size), { anchor: "middle" }));
  return [...grid(panel, logTicks(Math.exp(low), Math.exp(high))), ...drawn, ...dots, ...labels, ...names(panel, "in all")];
}

/** Lines across at these numbers of clocks, and the base line. */
function grid({ left, right, y }: Panel, ticks: number[]): string[] {
  const lines = ticks.flatMap((value) => [
    `<path d="M${left} ${point(y(value))}H${right}" stroke="${GRID}"/>`, text(left - 8, y(value) + 4, String(value), { anchor: "end", fill: FAINT }),
  ]);
  return [...lines, `<path d="M${left} ${BOTTOM}H${right}" stroke="${INK}"/>`];
}

/** What the axes are. */
function names({ left, right }: Panel, how: string): string[] {
  const below = text((left + right) / 2, BOTTOM + 40, "packets in a vector", { anchor: "middle", fill: FAINT });
  return [text(left, TOP - 12, `clocks a packet, ${how}`, { fill: FAINT }), below];
}

/** About five multiples of 1, 2 or 5 times a power of ten, from 0. */
function linearTicks(highest: number): number[] {
  const rough = highest / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((digit) => digit * power >= rough)! * power;
  return Array.from({ length: Math.floor(highest / step) + 1 }, (_, i) => i * step);
}

/** 1, 2 or 5 times powers of ten in a range. */
function logTicks(low: number, high: number): number[] {
  return [0, 1, 2, 3, 4].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power)).filter((value) => value >= low && value <= high);
}

function colour(node: string): string {
  return COLOURS.get(node) ?? "#444444";
}

/** Letters that can be read on a colour. */
function onColour(fill: string): string {
  return ["#0072b2", "#009e73", "#d55e00", "#444444"].includes(fill) ? "#ffffff" : INK;
}

function dash(i: number): string {
  return DASHES[i % DASHES.length]!;
}

const point = (value: number): string => value.toFixed(1);

function text(x: number, y: number, words: string, { anchor = "start", weight = 400, size = 13, fill = INK } = {}): string {
  const place = `x="${point(x)}" y="${point(y)}" text-anchor="${anchor}"`;
  return `<text ${place} font-weight="${weight}" font-size="${size}" fill="${fill}">${escape(words)}</text>`;
}

function escape(words: string): string {
  return words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
