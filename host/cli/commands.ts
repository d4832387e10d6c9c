// The one table of commands.

import { Grammar, type Command } from "./grammar.js";
import { CONFIGURATION } from "./configuration.js";
import { FAULT } from "./fault.js";
import { ICMP } from "./icmp.js";
import { NODES } from "./nodes.js";
import { PACKET_GENERATOR } from "./packet-generator.js";
import { PCAP_TRACE } from "./pcap-trace.js";
import { PING } from "./ping.js";
import { PROMETHEUS } from "./prometheus.js";
import { REASSEMBLY } from "./reassembly.js";
import { SHOW } from "./show.js";
import { SHOW_GRAPH } from "./show-graph.js";
import { SHOW_NODES } from "./show-nodes.js";
import { SHOW_ROUTES } from "./show-routes.js";
import { SHOW_SYSTEM } from "./show-system.js";
import { TRACE } from "./trace.js";

export const COMMANDS: Command[] = [
  ...CONFIGURATION, ...NODES, ...PACKET_GENERATOR, ...FAULT, PING, ...PROMETHEUS, ...SHOW, ...SHOW_ROUTES, ...ICMP, ...REASSEMBLY, ...SHOW_NODES,
  ...SHOW_GRAPH, ...SHOW_SYSTEM, ...TRACE, ...PCAP_TRACE,
];

export const grammar = new Grammar(COMMANDS);
