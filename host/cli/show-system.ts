// Threads, memory, time and notices of the router.

import { CONFIGURATIONS_SIZE, MODULE_COUNT, NODE_COUNT, WORKER_NODES, WORKER_SIZE } from "../../assembly/abi.js";
import type { MemoryInfo, RxPlacementInfo } from "../control/api.js";
import type { Command } from "./grammar.js";
import { show } from "./show.js";
import { table } from "./table.js";

export const SHOW_SYSTEM: Command[] = [
  show("show threads", "the router's threads, and the CPUs that they ran on last", (control) => control.threads(), (threads) =>
    table(["ID", "Name", "Type", "LWP", "CPU", "May run on", "Sleeps"],
      threads.map(({ id, name, type, tid, cpu, cpus, sleeps }) => [id, name, type, tid ?? "-", cpu ?? "-", cpus ?? "-", sleeps]))),
  show("show interface rx-placement", "which worker receives from which queue", (control) => control.rxPlacement(), placementText),
  show("show memory", "how much of the memory and of the fixed tables in it is in use", (control) => control.memory(), memoryTable),
  show("show logging", "the last notices: when, and what about", (control) => control.logging(), (entries) =>
    entries.map(({ time, class: about, text }) => `${time}  ${about.padEnd(9)}  ${text}`).join("\n") || "no notices"),
  { pattern: "clear logging", help: "forget the notices", run: ({ control }) => control.clearLogging() },
  show("show clock", "the time, and since when the router runs", (control) => control.clock(), ({ time, seconds, clockRate }) =>
    `Time now ${time}, running for ${seconds.toFixed(3)} s, ${(clockRate / 1e6).toFixed(1)} million clocks a second`),
];

/** VPP's layout. */
function placementText(queues: RxPlacementInfo[]): string {
  const threads = [...new Set(queues.map(({ worker }) => worker))];
  return threads.flatMap((worker) => {
    const own = queues.filter((queue) => queue.worker === worker);
    const title = worker === null ? "On their way:" : `Thread ${worker + 1} (worker ${worker}):`;
    return [title, ...[...new Set(own.map(({ node }) => node))].flatMap((node) => [
      `  node ${node}:`,
      ...own.filter((queue) => queue.node === node).map(({ interface: name, queue, mode }) => `    ${name} queue ${queue} (${mode})`),
    ])];
  }).join("\n") || "no interface has a receive queue";
}

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
