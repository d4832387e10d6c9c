// The manifest: what it may say, what it means where it says nothing, and that everything else is refused by name.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { WeftError } from "../../host/errors.js";
import { parseManifest } from "../../host/graph/manifest.js";

const node = { name: "flows", process: "run", next: ["error-drop", "continue"], counters: ["seen"] };
const table = { name: "flows", at: 16, rows: 4, size: 24, used: 0, columns: [{ name: "source", at: 4, type: "ipv4" }] };
const parse = (text: string) => parseManifest(new TextEncoder().encode(text));
const withNodes = (...nodes: unknown[]) => parse(JSON.stringify({ contract: 1, nodes }));

function refused(message: string, action: () => unknown): void {
  try {
    action();
  } catch (error) {
    assert.instance(error, WeftError);
    assert.is((error as WeftError).code, "BAD_MODULE");
    return assert.is((error as WeftError).message.slice(0, message.length), message);
  }
  assert.unreachable(`taken, instead of: ${message}`);
}

/** Refuses a node with these fields, for a reason told with the node's name. */
function refuses(fields: Record<string, unknown>, message: string): void {
  refused(message, () => withNodes({ ...node, ...fields }));
}

test("all there is to say", () => {
  const said = {
    ...node, gauges: ["sessions"], state: 112, stateVersion: 2, stateAccepts: [1], configure: "configure",
    config: { type: "object", properties: { limit: { type: "integer", minimum: 1, maximum: 9 } } },
    tables: [{ ...table, sort: "bytes", columns: [...table.columns, { name: "bytes", at: 8, type: "u64" }, { name: "mac", at: 16, type: "mac" }] }],
    trace: { layer: "ip4", packet: ["tx-interface", "adjacency"], state: [{ name: "sessions", at: 104, type: "u64" }] },
  };
  assert.equal(withNodes(said), [said]);
});

test("what it leaves out has its default", () => {
  const [read] = withNodes(node);
  assert.equal(read, { ...node, gauges: [], state: 0, stateVersion: 1, stateAccepts: [], configure: null, config: null, tables: [], trace: null });
});

test("a table need not have a sort column", () => {
  assert.is(withNodes({ ...node, state: 112, tables: [table] })[0]!.tables[0]!.sort, null);
});

test("traces: nothing need be said, and nothing else can be", () => {
  assert.equal(withNodes({ ...node, trace: {} })[0]!.trace, { layer: null, packet: [], state: [] });
  refuses({ trace: "ip4" }, 'node flows: trace: "ip4" is not an object');
  refuses({ trace: { fields: [] } }, 'node flows: trace: unknown field "fields"');
  refuses({ trace: { layer: "ip" } }, 'node flows: trace: layer: "ip" is none of ethernet, arp, ip4: did you mean "ip4"?');
  refuses({ trace: { layer: 4 } }, "node flows: trace: layer: 4 is none of ethernet, arp, ip4");
  const fields = "rx-interface, tx-interface, adjacency, icmp-error, punt";
  refuses({ trace: { packet: ["toString"] } }, `node flows: trace: packet[0]: "toString" is none of ${fields}`);
  const field = { name: "sessions", at: 4, type: "u64" };
  refuses({ state: 8, trace: { state: [field] } }, "node flows: trace: state[0]: a u64 at 4 ends beyond the state's 8 bytes");
  refuses({ state: 64, trace: { state: Array(5).fill(field) } }, "node flows: trace: 5 fields of the state, at most 4 are allowed");
});

test("the contract's version", () => {
  refused("written for contract 2, this weft knows 1: update weft", () => parse('{"contract":2,"anything":1}'));
  refused("written for contract 0, which is no longer supported: build it again", () => parse('{"contract":0}'));
  for (const none of ["{}", "null", "7", "[]", '{"contract":"1"}', '{"contract":1.5}']) refused("its manifest: contract", () => parse(none));
});

test("no JSON, or no text, or a long one", () => {
  refused('its custom section "weft" is not JSON', () => parse("{"));
  refused('its custom section "weft" is not JSON', () => parseManifest(Uint8Array.of(0x22, 0xff, 0x22)));
  refused('its custom section "weft" has 65537 bytes, at most 65536', () => parse(" ".repeat(65537)));
});

test("words of a manifest that would move the cursor are not in the message", () => {
  for (const words of ['{"contract":\u001b[2J', '{"contract":1,"nodes":[{"\u009b2J":1}]}']) {
    try {
      parse(words);
      assert.unreachable();
    } catch (error) {
      assert.not.match((error as Error).message, /\p{C}/u);
    }
  }
});

test("nodes: none, too many, no objects, two of a name", () => {
  for (const nodes of [[], {}, { length: 1 }, null]) refused("its manifest declares no nodes", () => parse(JSON.stringify({ contract: 1, nodes })));
  refused("its manifest declares 65 nodes", () => withNodes(...Array(65).fill(node)));
  for (const [value, said] of [[null, "null"], ["null", '"null"'], [[], "an array"]]) {
    refused(`node 1 of its manifest: ${said} is not an object`, () => withNodes(node, value));
  }
  refused('its manifest declares two nodes "flows"', () => withNodes(node, { ...node, name: "other" }, node));
});

test("fields that there are not, with the nearest one that there is", () => {
  refused('its manifest: unknown field "node": did you mean "nodes"?', () => parse('{"contract":1,"node":[]}'));
  refuses({ counter: ["a"] }, 'node 0 of its manifest: unknown field "counter": did you mean "counters"?');
  refuses({ author: "me" }, 'node 0 of its manifest: unknown field "author": expected one of: name, process');
  refused('node 0 of its manifest: unknown field "__proto__"', () => parse('{"contract":1,"nodes":[{"__proto__":{"name":"a"}}]}'));
});

test("names", () => {
  refuses({ name: undefined }, 'node 0 of its manifest: "name" is missing');
  for (const name of [7, "", "Flows", "flow_s", "-flows", "flows-", "flo--ws", "7flows", "a b", "a".repeat(49)]) {
    refuses({ name }, `node 0 of its manifest: name: ${JSON.stringify(name)} is not kebab-case of at most 48`);
  }
  assert.is(withNodes({ ...node, name: `a${"-b7".repeat(15)}cc` })[0]!.name.length, 48);
  refuses({ process: "" }, 'node flows: process: "" is not a word');
  refuses({ configure: null }, "node flows: configure: null is not a word");
});

test("next nodes", () => {
  refuses({ next: undefined }, 'node flows: "next" is missing');
  refuses({ next: "error-drop" }, 'node flows: next: "error-drop" is not an array');
  refuses({ next: ["error-drop", 1] }, "node flows: next[1]: 1 is not a word");
  refuses({ next: [] }, 'node flows: next[0] is undefined, slot 0 is always "error-drop"');
  refuses({ next: ["continue", "error-drop"] }, 'node flows: next[0] is "continue", slot 0 is always "error-drop"');
  const many = (count: number): string[] => ["error-drop", ...Array<string>(count - 1).fill("continue")];
  assert.is(withNodes({ ...node, next: many(256) })[0]!.next.length, 256);
  refuses({ next: many(257) }, "node flows: 257 next nodes, at most 256");
});

test("counters and gauges", () => {
  const reasons = (count: number, word: string): string[] => Array.from({ length: count }, (_, i) => `${word} ${i}`);
  refuses({ counters: undefined }, 'node flows: "counters" is missing');
  refuses({ counters: ["a\nb"] }, 'node flows: counters[0]: "a\\nb" is not a text');
  withNodes({ ...node, counters: reasons(60, "c"), gauges: reasons(4, "g") });
  refuses({ counters: reasons(60, "c"), gauges: reasons(5, "g") }, "node flows: 65 counters and gauges, at most 64");
  refuses({ counters: ["a", "b"], gauges: ["a"] }, 'node flows: two counters or gauges "a"');
});

test("state", () => {
  for (const state of [-64, 0.5, "8", 4 * 2 ** 20 + 1, null]) refuses({ state }, `node flows: state: ${JSON.stringify(state)} is not a whole number`);
  assert.is(withNodes({ ...node, state: 4 * 2 ** 20 })[0]!.state, 4 * 2 ** 20);
  refuses({ stateVersion: 0 }, "node flows: stateVersion: 0 is not a whole number from 1");
  refuses({ stateAccepts: [1, "2"] }, 'node flows: stateAccepts[1]: "2" is not a whole number');
});

test("a configuration's schema is checked with the node's name", () => {
  refuses({ config: 7 }, "node flows: config");
});

/** Refuses a state table with these fields. */
function refusesTable(fields: Record<string, unknown>, message: string): void {
  refuses({ state: 112, tables: [{ ...table, ...fields }] }, `node flows: tables[0]${message}`);
}

test("tables", () => {
  refuses({ tables: {} }, "node flows: tables: an object is not an array");
  refuses({ state: 112, tables: [table, table] }, 'node flows: two tables "flows"');
  refusesTable({ row: 1 }, ': unknown field "row": did you mean "rows"?');
  refusesTable({ at: 17 }, " flows: 4 rows of 24 bytes at 17 end beyond the state's 112 bytes");
  refusesTable({ rows: 2 ** 22, size: 2 ** 22 }, " flows: 4194304 rows");
  refusesTable({ used: 21 }, " flows: used: 21 is not a whole number from 0 to 20");
  refusesTable({ used: undefined }, ' flows: "used" is missing');
  refusesTable({ sort: "byte" }, ' flows: sort: no column "byte"');
});

test("columns", () => {
  refusesTable({ columns: [] }, " flows: 0 columns, 1 to 32 are allowed");
  refusesTable({ columns: [{ name: "a", at: 0, type: "u33" }] }, ' flows: columns[0]: unknown type "u33": did you mean "u32"?');
  refusesTable({ columns: [{ name: "a", at: 0, type: "toString" }] }, ' flows: columns[0]: unknown type "toString"');
  for (const [type, at] of [["u8", 24], ["u16be", 23], ["u32", 21], ["u64", 17], ["mac", 19]]) {
    refusesTable({ columns: [{ name: "a", at, type }] }, ` flows: columns[0]: a ${type} at ${at} ends beyond the row's 24 bytes`);
  }
  refusesTable({ columns: [...table.columns, ...table.columns] }, ' flows: two columns "source"');
});

test.run();
