// What is to be reached, and beside what it stands: the best that native packet graphs do on such a machine.

import type { Report, Spread } from "./report.js";

export interface Target {
  name: string;
  unit: string;
  /** what native software does, measured or published */
  native: string;
  value: number;
  target: number;
  /** whether less is better */
  atMost: boolean;
  met: boolean;
}

interface Wanted {
  name: string;
  unit: string;
  native: string;
  target: number;
  atMost?: boolean;
  /** undefined: not measured in this run */
  value: (report: Report) => number | undefined;
}

const WANTED: Wanted[] = [
  {
    name: "forward, node by node", unit: "clk", native: "VPP 45, DPDK unchecked 15", target: 40,
    value: (report) => sum(report, "forward", 256, false),
  },
  { name: "forward, fused", unit: "clk", native: "C 18–20", target: 24, value: (report) => sum(report, "forward", 256) },
  { name: "forward, vectors of 16", unit: "clk", native: "VPP 83", target: 60, value: (report) => sum(report, "forward", 16) },
  { name: "forward, vectors of 1", unit: "clk", native: "VPP 748", target: 450, value: (report) => sum(report, "forward", 1) },
  { name: "echo, whole path", unit: "clk", native: "VPP 92", target: 60, value: (report) => sum(report, "echo", 256) },
  { name: "fib-500k, ip4-lookup", unit: "clk", native: "VPP 119", target: 40, value: (report) => node(report, "fib-500k", "ip4-lookup") },
  { name: "fib-500k, whole path", unit: "clk", native: "VPP 154", target: 80, value: (report) => sum(report, "fib-500k", 256) },
  { name: "fib-bgp, ip4-lookup", unit: "clk", native: "VPP 173, DPDK bare 32", target: 50, value: (report) => node(report, "fib-bgp", "ip4-lookup") },
  {
    name: "fib-bgp, routes added", unit: "million/s", native: "VPP 0.69", target: 1.5, atMost: false,
    value: (report) => million(inserted(report)?.perSecond.median),
  },
  { name: "fib-bgp, FIB and prefixes", unit: "MB", native: "VPP 115", target: 40, value: (report) => million(inserted(report)?.bytes) },
  other("rdma rings, dv: rx + tx", "clk", "60–90", 45),
  other("forward, wasm against the native twin, node by node", "times", "1", 1.15),
  other("forward, wasm against the native twin, in one pass", "times", "1", 1.15),
  { ...other("two workers against one, forward", "times", "2.0", 1.9), atMost: false },
  other("garbage collection: heap growth in 60 s", "MB", "–", 1),
  other("garbage collection: longest pause", "ms", "–", 1),
  other("start-up of weft run, to the first packet", "s", "2", 0.3),
];

/** A target that a program of its own measures. */
function other(name: string, unit: string, native: string, target: number): Wanted {
  return { name, unit, native, target, value: (report) => report.others?.[name] };
}

export function targets(report: Report): Target[] {
  return WANTED.flatMap(({ name, unit, native, target, atMost = true, value }) => {
    const found = value(report);
    return found === undefined ? [] : [{ name, unit, native, value: found, target, atMost, met: atMost ? found <= target : found >= target }];
  });
}

function sum(report: Report, workload: string, size: number, fused = true): number | undefined {
  return at(report, workload, size, fused, (one) => one.sum);
}

function node(report: Report, workload: string, name: string): number | undefined {
  return at(report, workload, 256, false, (one) => one.nodes.find((candidate) => candidate.name === name)!.clocks);
}

function inserted(report: Report): Report["workloads"][number]["insertion"] {
  return report.workloads.find(({ name }) => name === "fib-bgp")?.insertion;
}

function million(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value / 1e6;
}

type Way = Report["workloads"][number];

function at(report: Report, workload: string, size: number, fused: boolean, which: (one: Way) => Spread[]): number | undefined {
  const found = report.workloads.find((one) => one.name === workload && !one.cold && one.fused === fused);
  return found && which(found)[report.vectors.indexOf(size)]!.median;
}
