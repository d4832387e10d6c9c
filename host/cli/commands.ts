// The one table of commands.

import { Grammar, type Command } from "./grammar.js";
import { CONFIGURATION } from "./configuration.js";
import { NODES } from "./nodes.js";
import { PING } from "./ping.js";
import { SHOW } from "./show.js";
import { SHOW_GRAPH } from "./show-graph.js";
import { SHOW_NODES } from "./show-nodes.js";
import { SHOW_SYSTEM } from "./show-system.js";

export const COMMANDS: Command[] = [...CONFIGURATION, ...NODES, PING, ...SHOW, ...SHOW_NODES, ...SHOW_GRAPH, ...SHOW_SYSTEM];

export const grammar = new Grammar(COMMANDS);
