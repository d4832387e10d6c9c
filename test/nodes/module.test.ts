// What the contract asks of the module itself: it imports the memory and the clock, runs nothing when it is
// instantiated, and brings no data.

import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ARP_LEARN_STATE_SIZE } from "../../assembly/abi.js";
import { loadModule } from "../../host/graph/module.js";
import { declaration } from "./harness.js";

const path = new URL("../../../build/nodes.wasm", import.meta.url).pathname;
const { module, nodes } = loadModule(path);

/** Ids of the module's sections, in order (WebAssembly core specification, 5.5.2). */
function sectionIds(bytes: Uint8Array): number[] {
  const ids: number[] = [];
  for (let at = 8; at < bytes.length;) {
    ids.push(bytes[at++]!);
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      size |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    at += size;
  }
  return ids;
}

test("imports the memory and the clock, has neither start function (section 8) nor data (section 11)", () => {
  assert.equal(WebAssembly.Module.imports(module).map((i) => `${i.module}.${i.name} ${i.kind}`), ["weft.now function", "env.memory memory"]);
  const ids = sectionIds(readFileSync(path));
  assert.ok(ids.includes(10), "it has code");
  assert.not(ids.includes(8) || ids.includes(11));
});

test("every export is a node's function, every node's slot 0 is error-drop", () => {
  const exported = WebAssembly.Module.exports(module).map((e) => e.name).sort();
  assert.equal(nodes.map((node) => node.process).sort(), exported);
  for (const node of nodes) {
    assert.ok(node.next.length === 0 ? node.name === "error-drop" : node.next[0] === "error-drop", node.name);
    assert.is(new Set(node.counters).size, node.counters.length, node.name);
  }
});

test("arp-input's state has room for the ring that abi.ts draws", () => {
  assert.is(declaration("arp-input").state, ARP_LEARN_STATE_SIZE);
});

test.run();
