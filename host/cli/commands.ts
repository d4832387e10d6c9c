// The one table of commands.

import { Grammar, type Command } from "./grammar.js";
import { CONFIGURATION } from "./configuration.js";
import { NODES } from "./nodes.js";
import { PING } from "./ping.js";
import { PROMETHEUS } from "./prometheus.js";
import { SHOW } from "./show.js";
import { SHOW_NODES } from "./show-nodes.js";

export const COMMANDS: Command[] = [...CONFIGURATION, ...NODES, PING, ...PROMETHEUS, ...SHOW, ...SHOW_NODES];

export const grammar = new Grammar(COMMANDS);
