// Tables in a node's state: literal bytes in, rows out, whatever the node has scribbled.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { StateTable } from "../../host/graph/manifest.js";
import { decodeTable } from "../../host/graph/node-table.js";
import { fromHex } from "./packets.js";

const FLOWS: StateTable = {
  name: "flows",
  at: 8,
  rows: 3,
  size: 32,
  used: 0,
  sort: null,
  columns: [
    { name: "source", at: 4, type: "ipv4" },
    { name: "port", at: 8, type: "u16be" },
    { name: "packets", at: 10, type: "u16" },
    { name: "mac", at: 12, type: "mac" },
    { name: "protocol", at: 18, type: "u8" },
    { name: "age", at: 20, type: "u32" },
    { name: "bytes", at: 24, type: "u64" },
  ],
};

const STATE = `
  ffffffffffffffff
  01000000 c0a80001 0035 0201 02fe000000ff 11 00 ffffffff 0500000000000000
  00000000 ffffffff ffff ffff ffffffffffff ff ff ffffffff ffffffffffffffff
  00000080 ff000001 01bb 0000 000000000000 06 00 01000000 ffffffffffffffff`;

const view = (hex: string): DataView => new DataView(fromHex(hex).buffer);
const first = ["192.168.0.1", 53, 258, "02:fe:00:00:00:ff", 17, 4294967295, 5];
const last = ["255.0.0.1", 443, 0, "00:00:00:00:00:00", 6, 1, "18446744073709551615"];

test("used rows are read as their columns say", () => {
  assert.equal(decodeTable(FLOWS, [view(STATE)]), [first, last]);
});

test("rows are sorted over all workers, the largest first", () => {
  const sorted = (sort: string): unknown[] => decodeTable({ ...FLOWS, sort }, [view(STATE), view(STATE)]);
  assert.equal(sorted("bytes"), [last, last, first, first]);
  assert.equal(sorted("packets"), [first, first, last, last]);
  assert.equal(sorted("source"), [last, last, first, first]);
  assert.equal(sorted("mac"), [first, first, last, last]);
});

test("rows that do not lie in the state are not read", () => {
  assert.equal(decodeTable({ ...FLOWS, rows: 1000 }, [view(STATE)]), [first, last]);
  assert.equal(decodeTable(FLOWS, [new DataView(view(STATE).buffer, 0, 103)]), [first]);
  assert.equal(decodeTable(FLOWS, [new DataView(new ArrayBuffer(0))]), []);
  assert.equal(decodeTable({ ...FLOWS, used: 29 }, [new DataView(view(STATE).buffer, 0, 40)]), []);
});

test("whatever a node has written there, a table is rows of its columns", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 0, maxLength: 120 }), (state) => {
    const rows = decodeTable({ ...FLOWS, sort: "bytes" }, [new DataView(new Uint8Array(state).buffer)]);
    assert.ok(rows.length <= FLOWS.rows && rows.every((row) => row.length === FLOWS.columns.length));
  }));
});

test.run();
