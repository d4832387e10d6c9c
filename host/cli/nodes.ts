// Commands that load custom nodes, put them into the packets' way and take them out of it, while traffic flows.

import type { NodeConfig, NodePlace, NodePolicy } from "../control/api.js";
import { WeftError } from "../errors.js";
import type { Command, Values } from "./grammar.js";
import { jsonText } from "./json.js";

/** The configuration that was typed, or that stands in the file that was; none where none was. */
async function configuration({ json }: Values): Promise<[config?: NodeConfig]> {
  return json === undefined ? [] : [JSON.parse(await jsonText(json)) as NodeConfig];
}

function insert(side: "after" | "before", help: string, examples: string[]): Command {
  return {
    pattern: `node insert <node> ${side} <anchor> [on <interface>]`,
    help,
    examples,
    run: ({ control }, values) => {
      const place: NodePlace = { [side]: values.anchor! };
      if (values.interface !== undefined) place.interface = values.interface;
      return control.insertNode(values.node!, place);
    },
  };
}

/** Only what was typed: the rest stays as it is. */
function policy({ node, fail, next, ms, traps }: Values): Partial<NodePolicy> {
  const typed: Partial<NodePolicy> = {
    ...(fail !== undefined && { fail: fail as NodePolicy["fail"] }),
    ...(next !== undefined && { via: next }),
    ...(ms !== undefined && { restart: Number(ms) }),
    ...(traps !== undefined && { limit: Number(traps) }),
  };
  if (Object.keys(typed).length > 0) return typed;
  throw new WeftError("BAD_COMMAND", `"node policy ${node}" changes nothing: add fail, via, restart or limit, or see "show node ${node}"`);
}

export const NODES: Command[] = [
  {
    pattern: "node load <file> as <new-node> [config <json>]",
    help: "load a node from a .wasm or .mjs file (FILE:NODE: one of several); it sees no packets until it is inserted",
    examples: ["node load build/acl.wasm as acl", "node load build/acl.wasm:acl as acl config @acl.json"],
    run: async ({ control }, values) => {
      await control.loadNode(values.file!, values["new-node"]!, ...(await configuration(values)));
    },
  },
  insert("after", "let it see the packets that go on from another node, all or those of one interface",
    ["node insert acl after ip4-input", "node insert acl after ip4-input on host-eth0"]),
  insert("before", "let it see whatever comes to another node", ["node insert acl before ip4-lookup"]),
  {
    pattern: "node bypass <node> [on <interface>]",
    help: "take it out of the packets' way; it stays loaded",
    examples: ["node bypass acl"],
    run: ({ control }, values) => control.bypassNode(values.node!, ...(values.interface === undefined ? [] : [values.interface])),
  },
  {
    pattern: "node replace <node> with <file> [config <json>]",
    help: "put another file's node in its place, which takes over its state and configuration where it can",
    examples: ["node replace acl with build/acl.wasm"],
    run: async ({ control }, values) => {
      await control.replaceNode(values.node!, values.file!, ...(await configuration(values)));
    },
  },
  {
    pattern: "node config <node> <json>",
    help: 'configure it: {"limit": 5}, or @FILE',
    examples: ['node config acl {"rules": [{"action": "deny", "source": "198.51.100.0/24"}]}', "node config acl @acl.json"],
    run: async ({ control }, values) => control.configureNode(values.node!, (await configuration(values))[0]!),
  },
  {
    pattern: "node policy <node> [fail <fail>] [via <next>] [restart <ms>] [limit <traps>]",
    help: "what happens when it traps: packets dropped (closed) or sent on (open), ms until it starts anew, traps until it is set aside",
    examples: ["node policy acl fail open restart 500 limit 20"],
    run: ({ control }, values) => control.setNodePolicy(values.node!, policy(values)),
  },
  {
    pattern: "node restart <node>",
    help: "have it start anew, with empty state, if it is set aside or waits",
    examples: ["node restart acl"],
    run: ({ control }, values) => control.restartNode(values.node!),
  },
  {
    pattern: "node unload <node>",
    help: "take it out, and forget it",
    examples: ["node unload acl"],
    run: ({ control }, values) => control.unloadNode(values.node!),
  },
];
