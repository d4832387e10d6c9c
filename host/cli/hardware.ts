// show hardware-interfaces, in VPP's manner: a line for the interface, and below it what its device tells.

import type { HardwareInfo, RdmaInfo } from "../control/api.js";
import { table } from "./table.js";

export function hardwareText(shown: HardwareInfo): string {
  const { name, index, kind, linkUp, mac, mtu, rxMode, promiscuous, rdma, hostInterface } = shown;
  const about = [
    `Ethernet address ${mac}, MTU ${mtu}, rx-mode ${rxMode}${promiscuous ? ", promiscuous" : ""}`,
    ...(rdma !== null ? rdmaLines(rdma) : [kind === "pg" ? "packet generator" : `linux packet socket on netdev ${hostInterface}`]),
  ];
  return [`${name} (index ${index}): link ${linkUp ? "up" : "down"}`, ...about.map((line) => `  ${line}`)].join("\n");
}

function rdmaLines(info: RdmaInfo): string[] {
  const counters = Object.entries(info.counters).filter(([, count]) => count !== 0);
  const { base, end, lkey } = info.dma;
  return [
    `Link speed: ${speedText(info.speed)}`,
    `netdev ${info.netdev ?? "none"} pci-addr ${info.pci} device ${info.device}`,
    `product name: ${info.model}${info.virtualFunction ? " virtual function" : ""}, firmware ${info.firmware}`,
    `mode: ${info.mode} (${info.reason})`,
    `flags: ${flags(info).join(" ")}`,
    `offloads: ${info.offloads.join(" ") || "none"}`,
    `rss: ${info.rss.join(" ")}`,
    `max packet length: ${info.maxPacketLength}`,
    "rx queues:",
    ...below(table(["Queue", "Size", "Posted", "Packets", "CQE"],
      info.rxQueues.map(({ size, posted, packets, cqeSize }, queue) => [queue, size, posted, packets, cqeSize])).split("\n")),
    `tx queue: size ${info.txQueue.size}, pending ${info.txQueue.pending}`,
    `dma: ${base} - ${end}, lkey 0x${lkey.toString(16)}, last packet at ${info.lastDma}`,
    "flows:",
    ...below(info.flows),
    ...(counters.length > 0 ? ["device counters:", ...below(table(["Counter", "Count"], counters).split("\n").slice(1))] : []),
  ];
}

function below(lines: string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function flags(info: RdmaInfo): string[] {
  const all: [string, boolean][] = [["multi-seg", info.multiSegment], ["striding-rq", info.striding], ["cqe-compression", info.compression]];
  const set = all.filter(([, on]) => on).map(([flag]) => flag);
  return set.length > 0 ? set : ["none"];
}

/** 100000 Mbit/s → "100 Gbps" */
function speedText(speed: number): string {
  if (speed === 0) return "unknown";
  return speed >= 1000 ? `${speed / 1000} Gbps` : `${speed} Mbps`;
}
