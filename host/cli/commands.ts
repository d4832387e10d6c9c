// The one table of commands.

import { Grammar, type Command } from "./grammar.js";
import { CONFIGURATION } from "./configuration.js";
import { PING } from "./ping.js";
import { SHOW } from "./show.js";

export const COMMANDS: Command[] = [...CONFIGURATION, PING, ...SHOW];

export const grammar = new Grammar(COMMANDS);
