// Threads, memory, time and notices of the router.

import { CONFIGURATIONS_SIZE, MODULE_COUNT, NODE_COUNT, WORKER_NODES, WORKER_SIZE } from "../../assembly/abi.js";
import type { MemoryInfo } from "../control/api.js";
import type { Command } from "./grammar.js";
import { show } from "./show.js";
import { table } from "./table.js";

export const SHOW_SYSTEM: Command[] = [
  show("show threads", "the router's threads, and the CPUs that they ran on last", (control) => control.threads(), (threads) =>
    table(["ID", "Name", "Type", "LWP", "CPU", "May run on", "Sleeps"],
      threads.map(({ id, name, type, tid, cpu, cpus, sleeps }) => [id, name, type, tid ?? "-", cpu ?? "-", cpus ?? "-", sleeps]))),
  show("show memory", "how much of the memory and of the fixed tables in it is in use", (control) => control.memory(), memoryTable),
  show("show logging", "the last notices: when, and what about", (control) => control.logging(), (entries) =>
    entries.map(({ time, class: about, text }) => `${time}  ${about.padEnd(9)}  ${text}`).join("\n") || "no notices"),
  { pattern: "clear logging", help: "forget the notices", run: ({ control }) => control.clearLogging() },
  show("show clock", "the time, and since when the router runs", (control) => control.clock(), ({ time, seconds, clockRate }) =>
    `Time now ${time}, running for ${seconds.toFixed(3)} s, ${(clockRate / 1e6).toFixed(1)} million clocks a second`),
];

function memoryTable({ nodes, configurations, regions, nodeCount, packetMemory, pool, pageSize }: MemoryInfo): string {
  return table(["What", "Used", "Size", "Unit"], [
    ["nodes", nodeCount, NODE_COUNT, "nodes"],
    ["node blocks", nodes, WORKER_SIZE - WORKER_NODES, "bytes"],
    ["configurations", configurations, CONFIGURATIONS_SIZE, "bytes"],
    ["module regions", regions, MODULE_COUNT, "regions"],
    [`buffer pool, pages of ${pageSize / 1024} KiB`, pool, pool, "bytes"],
    ["packet memory", packetMemory, packetMemory, "bytes"],
  ]);
}
