// The runner of node tests: what it tells of nodes that are well, that are not, and that never come back.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { type VerifiedModule, verify } from "../../host/graph/verify.js";
import { compileText } from "../../host/kit/compile.js";
import { type TestResult, runTests } from "../../host/kit/run-tests.js";
import { parseTests } from "../../host/kit/test-file.js";

/** One node does what a packet's first byte says; the other is configured. */
const SOURCE = `
import {
  advance, config, configCount, configItems, configU32, copyTo, count, declareNode, interfaceAt, interfaceMac, lengthHere, lengthTotal, log, now,
  packetAt, rxInterface, setAdjacency, setGauge, setNext, bufferAt, setTxInterface, state, truncate,
} from "weft/sdk";
import { B_LENGTH, B_NEXT, B_STATE, B_TOTAL, CONTROL } from "weft/abi";

export function odd(node: usize, frame: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i++) setNext(frame, i, one(node, frame, i, n, bufferAt(frame, i)));
}

function one(node: usize, frame: usize, i: u32, n: u32, buffer: usize): u32 {
  count(node, 0);
  const at = packetAt(buffer);
  switch (load<u8>(at)) {
    case 1: load<u8>(<usize>load<u8>(at, 1)); break; // page zero
    case 2: store<u32>(CONTROL + load<u8>(at, 1), 7); break; // the tables are read-only
    case 3: while (true) count(node, 0);
    case 4: unreachable();
    case 5: store<u16>(buffer, 4000, B_LENGTH); break;
    case 6: store<u32>(buffer, 9, B_TOTAL); break;
    case 7: store<u32>(buffer, 9, B_NEXT); break;
    case 8: store<u16>(buffer, 0, B_STATE); break;
    case 9: store<u32>(frame, 0); break;
    case 10: setNext(frame, n, 1); break;
    case 11: return 7;
    case 12: return copyTo(1, 2);
    case 13: advance(buffer, 2); store<u8>(packetAt(buffer), 0xff); break;
    case 14: truncate(buffer, 2); break;
    case 15: store<f64>(at, now(), 1); break;
    case 16: log(at + 1, 5); break;
    case 17: setTxInterface(buffer, rxInterface(buffer) + 1); setAdjacency(buffer, 70000 >> 1); break;
    case 18: store<u32>(at, load<u32>(interfaceMac(interfaceAt(rxInterface(buffer))), 2)); break;
    case 19: return n > 1 ? 0 : 1;
    case 20: store<u32>(at, lengthHere(buffer)); store<u32>(at, lengthTotal(buffer), 4); break;
    case 21: store<u32>(at, load<u32>(state(node))); store<u32>(state(node), 0xdddddddd); setGauge(node, 1, 5); break;
  }
  return 1;
}

declareNode({ name: "odd", process: "odd", next: ["error-drop", "continue", "mirror"], counters: ["seen"], gauges: ["level"], state: 4 });

export function take(node: usize): i32 { return configU32(node, 0) == 13 ? 99 : 0; }

function configured(node: usize, buffer: usize): u32 {
  const items = configItems(node, 8);
  store<u32>(packetAt(buffer), configU32(node, 0));
  store<u32>(packetAt(buffer), configU32(node, 4), 4);
  if (configCount(node, 8) > 0) store<u32>(packetAt(buffer), load<u32>(items), 8);
  return 1;
}

declareNode({
  name: "configured", packet: "configured", next: ["error-drop", "continue"], configure: "take",
  config: {
    type: "object",
    properties: {
      limit: { type: "integer", default: 6 },
      to: { type: "string", format: "interface" },
      rules: { type: "array", maxItems: 4, items: { type: "object", properties: { from: { type: "string", format: "ipv4" } } } },
    },
  },
});
`;

let module: VerifiedModule;
test.before(async () => {
  const { wasm, diagnostics } = await compileText("odd.ts", SOURCE, 5);
  assert.ok(wasm !== null, diagnostics);
  module = verify(wasm, "odd.wasm");
});

const run = (text: string, limit = 60_000): Promise<TestResult[]> =>
  runTests(module, parseTests(`=== a ===\n${text}`, "odd.test", () => { throw new Error("no capture here"); }), limit);

const bytes = (value: string | Uint8Array | null): string | null => (value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value);

async function passes(text: string): Promise<void> {
  const results = await run(text);
  assert.equal(results.flatMap(({ failures }) => failures.map(({ line, what }) => `${line}: ${what}`)), [], text);
}

/** The failures of the first test, as text. */
async function fails(text: string, limit?: number): Promise<string[]> {
  const [result] = await run(text, limit);
  return result!.failures.map(({ line, what, expected, got }) => `${line}: ${what}${expected === null ? "" : `: ${bytes(expected)}, ${bytes(got)}`}`);
}

test("what nodes may do", async () => {
  await passes("in 0000\nout continue same\ncounter seen 1");
  await passes("in 0c\nout continue copy mirror 0c");
  await passes("in aabb | 0d020304\nout continue ff04");
  await passes("in 0e0203\nout continue 0e02");
  await passes("time 2.5\nin 0f0000000000000000\nout continue 0f0000 00205fa0e241"); // 2.5e9 as f64
  await passes("in rx 3 11\nout continue tx 4 adjacency 35000 same");
  await passes("interface 3 mac 02:00:00:00:ab:cd\nin rx 3 12000000\nout continue 0000abcd\nin 12000000\nout continue 00000001");
  await passes("in 15000000\nout continue 00000000\nin 15000000\nout continue dddddddd\ncounter level 5\ncounter seen 2");
});

test("each test begins anew", async () => {
  const results = await run("in 15000000\nout continue 00000000\ncounter level 5\ncounter seen 1\n=== b ===\nin 15000000\nout continue 00000000");
  assert.equal(results.map(({ title, failures }) => [title, failures.length]), [["a", 0], ["b", 0]]);
});

test("packets over several buffers", async () => {
  await passes("in 140000000000 0000 / 010203\nout continue 080000000b000000 010203");
  await passes(`in 1400000000000000${"77".repeat(5000)}\nout continue 00080000 90130000 ${"77".repeat(5000)}`);
  await passes("in times 600 00\nout continue times 600\ncounter seen 600");
  await passes(`in times 300 00${"77".repeat(4999)}\nout continue times 300 same`);
});

test("configuration", async () => {
  await passes("node configured\nin 000000000000000000000000\nout continue 060000000000000000000000");
  await passes('node configured\ninterface 7 name eth6\nconfig {"limit": 258, "to": "eth6", "rules": [{"from": "192.0.2.1"}]}\n'
    + 'in 000000000000000000000000\nout continue 0201000007000000c0000201\nconfig {"limit": 1}\nin 00000000ffffffff\nout continue 0100000000000000');
  assert.equal(await fails('node configured\nconfig {"limit": 13}'), ["3: the node refuses its configuration: 99"]);
  assert.match((await fails('node configured\nconfig {"limt": 13}'))[0]!, /^3: config: unknown property "limt"/);
  assert.equal(await fails('node configured\nconfig {"to": "eth6"}'), ['3: config.to: no line of this test makes an interface of the name "eth6"']);
  assert.equal(await fails("config {}"), ["2: node odd takes no configuration"]);
});

test("outcomes that differ", async () => {
  assert.equal(await fails("in 0000\nout error-drop 01\ncounter seen 2"), [
    "3: packet 1: next node: error-drop, continue", "3: packet 1: bytes: 01, 0000", '4: counter "seen": 2, 1',
  ]);
  assert.equal(await fails("in 0b\nout continue"), ["3: packet 1: next node: continue, slot 7, which is not declared"]);
  assert.equal(await fails("in 0c\nout continue"), ["3: packet 1: next node: continue, continue copy mirror"]);
  assert.equal(await fails("in 11\nout continue tx 5"), ["3: packet 1: tx: 5, 2"]);
  assert.equal(await fails("in 00\nin 00\nout continue"), ['1: 2 packets came in, the last 1 have no "out" line']);
  assert.equal(await fails("in 00\nout continue times 2"), ["3: no packet is left for this line: 1 came in"]);
  assert.equal(await fails("in 15000000\ncounter level 5"), ['1: counter "seen", not mentioned: 0, 1']);
  const [wrongNext] = await fails("in 00\nout contineu");
  assert.match(wrongNext!, '3: node odd has no next node "contineu": did you mean "continue"?');
  assert.match((await fails("in 00\ncounter sen 1"))[0]!, 'node odd has no counter "sen": did you mean "seen"?');
  assert.match((await fails("node od\nin 00"))[0]!, 'the module has no node "od": did you mean "odd"?');
});

test("a vector's packets must fare as they do one by one", async () => {
  const [result] = await run("in 13\nin 13\nout error-drop times 2");
  assert.is(result!.title, "a (packets one by one)");
  assert.is(result!.failures[0]!.what, "packet 1: next node");
});

test("traps: null pointers and stores to the tables too, and the next test runs", async () => {
  for (const packet of ["0108", "0208"]) {
    assert.equal(await fails(`in ${packet}\nout continue`), ["2: it trapped: memory access out of bounds"]);
  }
  const results = await run("in 04\nout continue\n=== b ===\nin 00\nout continue");
  assert.equal(results.map(({ failures }) => failures.map(({ what }) => what)), [["it trapped: unreachable"], []]);
});

test("a node that never returns, and the next test runs", async () => {
  const results = await run("in 03\nout continue\n=== b ===\nin 00\nout continue", 2000);
  assert.equal(results.map(({ failures }) => failures.map(({ what }) => what)), [["it did not return within 2 s: its loop has no end"], []]);
});

test("what the graph would drop a packet for", async () => {
  const cases: [string, string][] = [
    ["05", "packet 1: B_LENGTH is 4000: 1952 bytes beyond the buffer's end"],
    ["06", "packet 1: B_TOTAL is 9, but B_LENGTH 1 in a packet of one buffer"],
    ["07", "packet 1: the node changed B_NEXT: the chain is the graph's"],
    ["08", "packet 1: the node changed B_STATE: whether a buffer is in use is the graph's to say"],
    ["09", "packet 1: the node changed the buffer's index in its frame"],
    ["0a", "the node wrote next slot 1 of a frame of 1"],
  ];
  for (const [packet, message] of cases) assert.equal(await fails(`in ${packet}\nout continue`), [`2: ${message}`], packet);
});

test("what a node logs stands with its failures", async () => {
  const [result] = await run("in 1068656c6c6f\nout error-drop");
  assert.equal(result!.log, ["hello"]);
});

test.run();
