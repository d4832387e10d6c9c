// weft.h: its constants, a node in C that uses what the examples do not, and the header on its own with every warning on.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as abi from "../../assembly/abi.js";
import { verify } from "../../host/graph/verify.js";
import { withMemoryLimits } from "../../host/graph/wasm-import.js";
import { clock, type ExampleNode, loadExample, logged, resetTables, u16 } from "./harness.js";
import { C, ROOT } from "./toolchains.js";

/** Takes what stands at `at` in its configuration off the packet, then puts six bytes before it and cuts it to 14. */
const SOURCE = `
#include "weft.h"

WEFT_MANIFEST({ "contract": 1, "nodes": [{
  "name": "c-probe", "process": "probe", "configure": "check", "next": ["error-drop", "continue", "other"],
  "counters": ["it's counted", "100% \\"quoted\\""], "gauges": ["items"], "state": 16,
  "config": { "type": "object", "properties": {
    "strip": { "type": "integer" },
    "list": { "type": "array", "maxItems": 4, "items": { "type": "object", "properties": {
      "from": { "type": "string", "format": "ipv4-prefix" }, "to": { "type": "integer" } } } } } }
}] })

WEFT_CONFIGURE(check) {
  weft_set_gauge(node, 2, weft_item_count(weft_config(node) + 4));
  return weft_item_count(weft_config(node) + 4) > 2 ? 7 : 0;
}

static uint32_t lookup(const uint8_t *node, uint32_t address) {
  const uint8_t *item = weft_items(weft_config(node) + 4);
  for (uint32_t left = weft_item_count(weft_config(node) + 4); left > 0; left--, item += 12)
    if (weft_in_prefix(address, item)) return weft_load32(item + 8);
  return 0;
}

WEFT_PROCESS(probe) {
  double now = weft_now();
  weft_store64(weft_state(node), (uint64_t)now);
  for (uint32_t i = 0; i < n; i++) {
    uint8_t *buffer = weft_buffer(frame, i);
    uint32_t found = lookup(node, weft_load32(weft_packet(buffer)));
    weft_advance(buffer, (int32_t)weft_load32(weft_config(node)));
    weft_advance(buffer, -6);
    weft_truncate(buffer, 14);
    weft_store16(weft_packet(buffer), weft_update_checksum(weft_network16(weft_packet(buffer)), weft_headroom(buffer), found));
    weft_store32(weft_packet(buffer) + 2, weft_network32(weft_packet(buffer) + 2));
    weft_set_tx_interface(buffer, weft_rx_interface(buffer) + found);
    weft_set_flags(buffer, weft_flags(buffer) | WEFT_B_FLAG_LOCAL);
    weft_count(node, weft_next_buffer(buffer) == 0, weft_length_total(buffer));
    weft_set_next_and_copy(frame, i, 1, found != 0 ? 2 : 0);
  }
  weft_log((const char *)weft_state(node), 2);
}
`;

function build(source: string, environment: NodeJS.ProcessEnv): Uint8Array<ArrayBuffer> {
  const folder = mkdtempSync(join(tmpdir(), "weft-"));
  try {
    writeFileSync(join(folder, "node.c"), source);
    const words = ["--target=wasm32", "-mcpu=mvp", "-std=c11", "-O2", "-ffreestanding", "-nostdlib", "-I", `${ROOT}assembly/sdk`];
    const strict = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wcast-align", "-Werror"];
    execFileSync("clang", [...words, ...strict, "-Wl,--no-entry,--import-memory", "node.c", "-o", "node.wasm"], {
      cwd: folder, env: environment, stdio: ["ignore", "ignore", "inherit"],
    });
    return new Uint8Array(readFileSync(join(folder, "node.wasm")));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function probe(bytes: Uint8Array<ArrayBuffer>): void {
  const [declared] = verify(bytes, "c-probe").nodes;
  assert.equal(declared!.counters, ["it's counted", '100% "quoted"'], "the manifest comes as it was written");
  const list = [{ from: "10.1.0.0/16", to: 5 }, { from: "10.0.0.0/8", to: 0x1234 }];
  const node: ExampleNode = loadExample(withMemoryLimits(bytes), { strip: 4, list })["c-probe"]!;
  assert.equal(node.gauges(), { items: 2 });
  assert.is(node.configure({ strip: 4, list: [...list, ...list] }), 7);
  assert.is(node.configure({ strip: 4, list }), 0);

  clock.now = 0x4241;
  const hex = "0a020304 aabbccdd 00112233 44556677 8899";
  // two zero bytes that were not part of it, in which ~(~0 + ~134 + 0x1234) = 0xee51 stands; its first four bytes the other way round
  const changed = "51ee 0403020a aabbccdd 00112233".replace(/ /g, "");
  assert.equal(node.send({ hex, l2: 0, start: 200 }), [{ next: "continue", copy: "other", hex: changed }]);
  assert.is(u16(0, abi.B_DATA), 200 + 4 - 6);
  assert.is(u16(0, abi.B_TX_IF), 0x1234);
  assert.is(u16(0, abi.B_FLAGS), abi.B_FLAG_LOCAL);
  assert.equal(node.counters(), { '100% "quoted"': 14 });
  assert.equal(logged, ["AB"]);

  assert.is(node.send({ hex: `0b${hex.slice(2)}`, l2: 0 })[0]!.copy, null, "no prefix of its list");
  node.send({ hex: hex.repeat(3), l2: 0, pieces: [20, 34] });
  assert.equal(node.counters(), { "it's counted": 14, '100% "quoted"': 28 });
}

test.before.each(resetTables);

test("its constants are those of abi.ts", () => {
  const constants: Record<string, number> = { ...abi, CONTRACT: abi.CONTRACT_VERSION, NEXT_DROP: 0 };
  const lines = [...readFileSync(join(ROOT, "assembly/sdk/weft.h"), "utf8").matchAll(/^#define WEFT_(\w+) (\d+)u?(?: *\/\/.*)?$/gm)];
  assert.ok(lines.length > 50, `only ${lines.length} constants found`);
  const wrong = lines.filter(([, name, value]) => constants[name!] !== Number(value));
  assert.equal(wrong.map(([line]) => line), []);
});

if (typeof C.environment === "string") test.skip(C.environment);
else {
  const { environment } = C;
  test("accessors, manifest, configuration, clock and log", () => probe(build(SOURCE, environment)));
  test("the header on its own", () => void build('#include "weft.h"\n', environment));
}

test.run();
