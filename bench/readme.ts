// The figures in README.md, written there by the program that measured them.

import { readFileSync, writeFileSync } from "node:fs";
import { caseName, fileName, type PeerReport, type Report, type WorkloadReport } from "./report.js";

const [BEGIN, END] = ["<!-- figures: npm run bench:charts -->", "<!-- end of figures -->"];

/** Puts tables and charts between the two marks in a Markdown file. `charts`: their folder as it is called from there. Throws without the marks. */
export function writeFigures(file: string, report: Report, peers: PeerReport | undefined, charts: string): void {
  const text = readFileSync(file, "utf8");
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${file} has no place for figures: "${BEGIN}", and behind it "${END}"`);
  writeFileSync(file, `${text.slice(0, begin)}${BEGIN}\n${figures(report, peers, charts)}\n${text.slice(end)}`);
}

/** The tables and charts as Markdown. */
export function figures(report: Report, peers: PeerReport | undefined, charts: string): string {
  const warm = report.workloads.filter(({ cold }) => !cold);
  const measured = `Measured on ${report.machine}, Node ${report.node.replace(/^v/, "")}: clocks a packet, medians.`;
  const pictures = warm.map((one) => `![${caseName(one)}: ${one.title}](${charts}/${fileName(one)}.svg)`);
  return [measured, nodeTable(warm, report.vectors), ...(peers ? [peerTable(peers)] : []), ...pictures].join("\n\n");
}

/** By node at the longest vectors, and what all take together at each length. */
function nodeTable(workloads: WorkloadReport[], vectors: number[]): string {
  const last = vectors.length - 1;
  const names = [...new Set(workloads.flatMap(({ nodes }) => nodes.map(({ name }) => name)))];
  const cells = (of: (workload: WorkloadReport) => number | undefined): string[] => workloads.map((workload) => of(workload)?.toFixed(1) ?? "");
  const rows = names.map((name) => [name, ...cells(({ nodes }) => nodes.find((node) => node.name === name)?.clocks[last]!.median)]);
  const sums = vectors.map((size, column) => [`**all, vectors of ${size}**`, ...cells(({ sum }) => sum[column]!.median)]).reverse();
  return markdown([`node, vectors of ${vectors[last]}`, ...workloads.map(caseName)], [...rows, ...sums]);
}

function peerTable({ targets, machine }: PeerReport): string {
  const rows = targets.map(({ name, value, q1, q3 }) => [name, value.toFixed(2), `${q1.toFixed(2)}–${q3.toFixed(2)}`]);
  return `${markdown(["vectors of 256", "ratio", "quartiles"], rows)}\n\nRatios of turns on one processor of ${machine}.`;
}

function markdown(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), `|---|${"--:|".repeat(head.length - 1)}`, ...rows.map(line)].join("\n");
}
