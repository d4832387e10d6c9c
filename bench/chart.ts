// A workload as a picture: bars of clocks a packet, stacked by node, one for each vector size; and the curve of what is left as vectors grow.

import type { WorkloadReport } from "./report.js";

const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM, LEGEND] = [860, 420, 64, 56, 48, 190];
/** Okabe and Ito's colours, which the colour-blind can tell apart. */
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#999999", "#000000"];

/** SVG text. `machine`: what it was measured on. */
export function chart(report: WorkloadReport, vectors: number[], machine: string): string {
  const highest = Math.max(...report.sum.map(({ q3 }) => q3));
  const plot = { width: WIDTH - LEFT - LEGEND, height: HEIGHT - TOP - BOTTOM };
  // Vectors of 1 cost ten times more than those of 256: a square root shows both.
  const y = (clocks: number): number => TOP + plot.height * (1 - Math.sqrt(clocks / highest));
  const step = plot.width / vectors.length;
  const parts = vectors.flatMap((size, column) => {
    let below = 0;
    const x = LEFT + column * step + step * 0.2;
    const bars = report.nodes.map(({ name, clocks }, i) => {
      const [from, to] = [below, below + clocks[column]!.median];
      below = to;
      return `<rect x="${x.toFixed(1)}" y="${y(to).toFixed(1)}" width="${(step * 0.6).toFixed(1)}" height="${(y(from) - y(to)).toFixed(1)}" fill="${colour(i)}"><title>${escape(name)}: ${clocks[column]!.median.toFixed(1)}</title></rect>`;
    });
    const total = report.sum[column]!;
    const middle = (x + step * 0.3).toFixed(1);
    return [
      ...bars,
      `<path d="M${middle} ${y(total.q1).toFixed(1)}V${y(total.q3).toFixed(1)}" stroke="#000" stroke-width="1.5"/>`,
      text(Number(middle), y(below) - 8, total.median.toFixed(0), "middle", "600"),
      text(Number(middle), HEIGHT - BOTTOM + 18, String(size), "middle"),
    ];
  });
  const curve = report.sum.map(({ median }, column) => `${(LEFT + (column + 0.5) * step).toFixed(1)},${y(median).toFixed(1)}`).join(" ");
  const ticks = ticksTo(highest).flatMap((value) => [
    `<path d="M${LEFT} ${y(value).toFixed(1)}H${LEFT + plot.width}" stroke="#ddd"/>`, text(LEFT - 8, y(value) + 4, String(value), "end"),
  ]);
  const legend = report.nodes.flatMap(({ name }, i) => {
    const at = TOP + (report.nodes.length - 1 - i) * 20;
    return [`<rect x="${WIDTH - LEGEND + 16}" y="${at}" width="12" height="12" fill="${colour(i)}"/>`, text(WIDTH - LEGEND + 34, at + 11, name)];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(LEFT, 24, `${report.name}${report.cold ? ", cold" : ""}: ${report.title}`, "start", "600"),
    text(LEFT, 42, `clocks a packet by packets in a vector; ${machine}`),
    ...ticks, ...parts, `<polyline points="${curve}" fill="none" stroke="#444" stroke-dasharray="3 3"/>`, ...legend, "</svg>", "",
  ].join("\n");
}

function colour(i: number): string {
  return COLOURS[i % COLOURS.length]!;
}

/** 1, 2 or 5 times powers of ten up to a value, the last six of them. */
function ticksTo(highest: number): number[] {
  const all = [0, 1, 2, 3].flatMap((power) => [1, 2, 5].map((digit) => digit * 10 ** power)).filter((value) => value >= 5 && value <= highest);
  return all.slice(-6);
}

function text(x: number, y: number, words: string, anchor = "start", weight = "400"): string {
  return `<text x="${x}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-weight="${weight}">${escape(words)}</text>`;
}

function escape(words: string): string {
  return words.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
