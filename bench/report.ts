// Many trials put together: medians and quartiles, tables, and whether another run's differ.

import { cpus } from "node:os";
import { table } from "../host/cli/table.js";
import { differs, quantile } from "./statistics.js";
import type { Trial } from "./trial.js";

export interface Spread {
  q1: number;
  median: number;
  q3: number;
  /** one value a trial */
  values: number[];
}

export interface WorkloadReport {
  name: string;
  title: string;
  cold: boolean;
  /** false: node by node */
  fused: boolean;
  /** in the order of the graph; clocks a packet for each vector size */
  nodes: { name: string; clocks: Spread[] }[];
  /** of all nodes */
  sum: Spread[];
  /** of its many routes, if it has such */
  insertion?: { routes: number; perSecond: Spread; bytes: number; heapBytes: number };
}

export interface Report {
  machine: string;
  node: string;
  vectors: number[];
  workloads: WorkloadReport[];
  /** what other programs measured, by the names of what is to be reached */
  others?: Record<string, number>;
}

/** What bench/peers.ts found. */
export interface PeerReport {
  /** ratios at vectors of 256, with quartiles */
  targets: { name: string; value: number; q1: number; q3: number; target?: number }[];
  machine: string;
  vectors: number[];
  /** by workload and peer: median clocks a packet for each vector size */
  clocks: Record<string, Record<string, number[]>>;
}

/** The nodes that packets usually pass, in this order; custom ones are shown behind them. */
const USUAL_ORDER = ["ethernet-input", "arp-input", "ip4-input", "ip4-lookup", "ip4-local", "icmp4-input", "ip4-rewrite", "interface-output"];

export function emptyReport(vectors: number[]): Report {
  return { machine: `${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} CPUs`, node: process.version, vectors, workloads: [] };
}

type Case = Pick<WorkloadReport, "name" | "cold" | "fused">;

export function caseName({ name, cold, fused }: Case): string {
  return `${name}${cold ? ", cold" : ""}${fused ? "" : ", node by node"}`;
}

/** What its chart is called, without an ending. */
export function fileName({ name, cold, fused }: Case): string {
  return `${name}${cold ? "-cold" : ""}${fused ? "" : "-nodes"}`;
}

export function workloadReport(way: Case & { title: string }, trials: Trial[]): WorkloadReport {
  const place = (node: string): number => [...USUAL_ORDER, node].indexOf(node);
  const names = trials[0]!.nodes.map((node) => node.name).sort((a, b) => place(a) - place(b));
  const clocksOf = (trial: Trial, node: string): number[] => trial.nodes.find((one) => one.name === node)!.clocks;
  const columns = trials[0]!.nodes[0]!.clocks.map((_, column) => column);
  return {
    ...way,
    nodes: names.map((node) => ({ name: node, clocks: columns.map((column) => spread(trials.map((trial) => clocksOf(trial, node)[column]!))) })),
    sum: columns.map((column) => spread(trials.map((trial) => trial.nodes.reduce((total, { clocks }) => total + clocks[column]!, 0)))),
    ...insertionOf(trials),
  };
}

/** What others take for the same workload, as far as they do it. */
export function referencesOf(report: WorkloadReport, peers: PeerReport | undefined): { name: string; clocks: number[] }[] {
  const others = (!report.cold && peers?.clocks[report.name]) || {};
  return Object.entries(others).filter(([name]) => !name.startsWith("weft")).map(([name, clocks]) => ({ name, clocks }));
}

function insertionOf(trials: Trial[]): Pick<WorkloadReport, "insertion"> {
  const all = trials.flatMap(({ insertion }) => insertion ?? []);
  const { routes, bytes, heapBytes } = all[0] ?? {};
  if (routes === undefined) return {};
  return { insertion: { routes, bytes: bytes!, heapBytes: heapBytes!, perSecond: spread(all.map(({ perSecond }) => perSecond)) } };
}

export function spread(values: number[]): Spread {
  return { q1: quantile(values, 0.25), median: quantile(values, 0.5), q3: quantile(values, 0.75), values };
}

/** Clocks a packet by node and vector size, quartiles beside the largest. */
export function workloadTable(report: WorkloadReport, vectors: number[]): string {
  const last = vectors.length - 1;
  const row = (name: string, clocks: Spread[]): string[] =>
    [name, ...clocks.map(({ median }) => median.toFixed(1)), `${clocks[last]!.q1.toFixed(1)}–${clocks[last]!.q3.toFixed(1)}`];
  const rows = report.nodes.map(({ name, clocks }) => row(name, clocks));
  const clocks = table(["Node", ...vectors.map(String), "quartiles"], [...rows, row("sum", report.sum)]);
  return `${caseName(report)}: ${report.title}\n${clocks}${insertionText(report)}`;
}

function insertionText({ insertion }: WorkloadReport): string {
  if (!insertion) return "";
  const [rate, tables, heap] = [insertion.perSecond.median, insertion.bytes, insertion.heapBytes].map((value) => (value / 1e6).toFixed(2));
  return `\n${insertion.routes} routes added, ${rate} million a second; ${tables} MB of tables and prefixes, of JavaScript's memory ${heap} MB`;
}

/** Below this probability of chance a difference is called one. */
const SIGNIFICANT = 0.05;

/** The sums of two runs side by side. Four trials a side are the least that can differ significantly. */
export function comparison(before: Report, now: Report): string {
  const rows = now.workloads.flatMap((workload) => {
    const old = before.workloads.find((one) => caseName(one) === caseName(workload));
    return old === undefined ? [] : now.vectors.flatMap((size, i) => {
      const column = before.vectors.indexOf(size);
      if (column < 0) return [];
      const [was, is] = [old.sum[column]!, workload.sum[i]!];
      const chance = differs(was.values, is.values);
      const change = `${is.median > was.median ? "+" : ""}${((100 * (is.median - was.median)) / was.median).toFixed(1)} %`;
      const verdict = chance >= SIGNIFICANT ? "no difference shown" : is.median < was.median ? "faster" : "slower";
      return [[caseName(workload), size, was.median.toFixed(1), is.median.toFixed(1), change, chance.toFixed(3), verdict]];
    });
  });
  return table(["Workload", "Vector", "Before", "Now", "Change", "p", "Verdict"], rows);
}
