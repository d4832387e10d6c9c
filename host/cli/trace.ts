// Traces, in VPP's manner: which packets, and their ways through the graph.

import type { TracedPacket, TraceFilter, TraceInfo, TraceStep } from "../control/api.js";
import { WeftError } from "../errors.js";
import type { Command, Values } from "./grammar.js";
import { show } from "./show.js";

/** As many packets as `show trace` prints unless told otherwise. */
const SHOWN = 50;

export const TRACE: Command[] = [
  {
    pattern: "trace add <anchor> <packets>",
    help: "trace a node's next packets: of af-packet-input those that come in, of any other those that come to it",
    examples: ["trace add af-packet-input 10"],
    run: ({ control }, values) => control.addTrace(values.anchor!, Number(values.packets)),
  },
  {
    pattern: "trace filter packet [src <match>] [dst <destination>] [proto <proto>] [port <port>]",
    help: "begin traces of such packets only",
    examples: ["trace filter packet src 192.0.2.2 dst 198.51.100.0/24 proto udp port 53"],
    run: ({ control }, values) => control.setTraceFilter(packetFilter(values)),
  },
  ...[true, false].map((include): Command => ({
    pattern: `trace filter ${include ? "include" : "exclude"} <anchor> <packets>`,
    help: `show only packets that ${include ? "passed" : "did not pass"} this node, so many at most`,
    examples: [`trace filter ${include ? "include" : "exclude"} error-drop 10`],
    run: ({ control }, values) => control.setTraceNodeFilter({ node: values.anchor!, include, packets: Number(values.packets) }),
  })),
  {
    pattern: "trace filter none",
    help: "trace and show every packet again",
    run: ({ control }) => control.clearTraceFilters(),
  },
  show("show trace [max <packets>]", `the ways of traced packets through the graph; ${SHOWN} unless told otherwise`,
    (control, values) => control.trace(values.packets === undefined ? SHOWN : Number(values.packets)), traceText, ["show trace max 10"]),
  { pattern: "clear trace", help: "forget all traces, and trace no more", run: ({ control }) => control.clearTrace() },
];

function packetFilter({ match, destination, proto, port }: Values): TraceFilter {
  const filter: TraceFilter = {
    ...(match !== undefined && { source: match }),
    ...(destination !== undefined && { destination }),
    ...(proto !== undefined && { protocol: /^\d+$/.test(proto) ? Number(proto) : (proto as "icmp") }),
    ...(port !== undefined && { port: Number(port) }),
  };
  if (Object.keys(filter).length > 0) return filter;
  throw new WeftError("BAD_COMMAND", '"trace filter packet" names no packet: add src, dst, proto or port; "trace filter none" takes every one');
}

function traceText({ packets, kept, lost }: TraceInfo): string {
  if (kept === 0) return 'no packet is traced: "trace add af-packet-input 10" traces the next ones';
  if (packets.length === 0) return `none of ${kept} traced packets fits the filter`;
  const missing = lost === 0 ? [] : [`${lost} steps found no room and are missing`];
  return [...packets.map(packetText), ...missing].join("\n\n");
}

function packetText({ number, copy, steps }: TracedPacket): string {
  return [`Packet ${number}${copy === 0 ? "" : `, copy ${copy}`}`, "", ...steps.flatMap(stepLines)].join("\n");
}

/** 00:00:01:259123: ip4-input, and below it what it saw, counted and did. */
function stepLines({ time, node, lines, counted, end, next }: TraceStep): string[] {
  const below = [...lines];
  if (counted.length > 0) below.push(`counted: ${counted.join("; ")}`);
  if (end !== null) below.push(end);
  if (next !== null) below.push(`next: ${next}`);
  return [`${clock(time)}: ${node}`, ...below.map((line) => `  ${line}`)];
}

/** ms → hours:minutes:seconds:microseconds, as VPP writes them */
function clock(time: number): string {
  const micros = Math.round(time * 1000);
  const [seconds, two] = [Math.floor(micros / 1e6), (value: number): string => String(Math.floor(value)).padStart(2, "0")];
  return `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}:${String(micros % 1e6).padStart(6, "0")}`;
}
