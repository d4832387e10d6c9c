// The one table of commands.

import { Grammar, type Command } from "./grammar.js";
import { CONFIGURATION } from "./configuration.js";
import { NODES } from "./nodes.js";
import { PING } from "./ping.js";
import { SHOW } from "./show.js";
import { SHOW_NODES } from "./show-nodes.js";
import { SHOW_ROUTES } from "./show-routes.js";

export const COMMANDS: Command[] = [...CONFIGURATION, ...NODES, PING, ...SHOW, ...SHOW_NODES, ...SHOW_ROUTES];

export const grammar = new Grammar(COMMANDS);
