// The one table of commands.

import { Grammar, type Command } from "./grammar.js";
import { CONFIGURATION } from "./configuration.js";
import { FAULT } from "./fault.js";
import { NODES } from "./nodes.js";
import { PACKET_GENERATOR } from "./packet-generator.js";
import { PING } from "./ping.js";
import { SHOW } from "./show.js";
import { SHOW_NODES } from "./show-nodes.js";

export const COMMANDS: Command[] = [...CONFIGURATION, ...NODES, ...PACKET_GENERATOR, ...FAULT, PING, ...SHOW, ...SHOW_NODES];

export const grammar = new Grammar(COMMANDS);
