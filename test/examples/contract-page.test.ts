// CONTRACT.md and the constants in the example's source in Rust say the same as abi.ts.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import * as abi from "../../assembly/abi.js";

const constants: Record<string, number> = { ...abi };
const read = (path: string): string => readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)), "utf8");

/** Parts of abi.ts that are the graph's and the drivers' own business. */
const INTERNAL = [
  /^(ARC|ARP_LEARN|ASIDE|B_CUT|B_HOLDER|CONTROL|GATE|GRAPH|HOLDER|IFC|OWN|PUNT|REASSEMBLY|RUNNING|TABLES|WIRING|WORKER|FREE_LIST)/, /_COUNT$/,
  /^NODE_(CALLS|VECTORS|CLOCKS|TRAPS|BAD_\w+|PASSED_OVER)$/, /^B_FLAG_REDIRECTED$/, /^(NEXT_HOLD|PAGE|IF_TX_SLOT|ADJ_DROP|ADJ_ICMP_CODE|ADJ_REWRITE_MAX)$/,
  // named in sentences
  /^(BUFFER|LOOKUP_NEXT|IF_FLAG)_/, /^(?!NODE_CONFIG).*_SIZE$/,
  /^(PATH_BUCKETS|COPIES_MAX|COPY_SHIFT|VECTOR|CONTRACT_VERSION|FIB_(PLY_\w+|DEEP|NUMBERS)|ADJ_BROADCAST|ADJ_NO_ROUTE)$/,
];

function check(found: [name: string, value: number][], least: number): void {
  assert.ok(found.length >= least, `only ${found.length} constants found`);
  const wrong = found.filter(([name, value]) => constants[name] !== value);
  assert.equal(wrong.map(([name, value]) => `${name} is ${constants[name]}, not ${value}`), []);
}

const page = read("assembly/sdk/CONTRACT.md");
const rows = [...page.matchAll(/^\| (0x[0-9a-f]+|\d+) \| `([A-Z]\w*)` \|/gm)].map(([, value, name]): [string, number] => [name!, Number(value)]);

test("every offset, address and flag in CONTRACT.md is that of abi.ts", () => {
  check(rows, 45);
});

test("CONTRACT.md has all of abi.ts that concerns nodes", () => {
  const names = new Set(rows.map(([name]) => name));
  const missing = Object.keys(constants).filter((name) => !INTERNAL.some((form) => form.test(name)) && !names.has(name));
  assert.equal(missing, []);
});

test("the numbers in CONTRACT.md's sentences are those of abi.ts", () => {
  const hex = (value: number): string => `0x${value.toString(16)}`;
  const sentences = [
    `A = ${abi.MODULES} + k · ${abi.MODULE_SIZE}`,
    `1 ≤ k ≤ ${abi.MODULE_COUNT - 1}`,
    `${abi.MODULE_COUNT} · ${hex(abi.MODULE_SIZE)}`,
    `\`MODULES\` + k · ${hex(abi.MODULE_SIZE)}`,
    `1 ≤ n ≤ ${abi.VECTOR}`,
    `its index << ${abi.BUFFER_SHIFT}.`,
    `slot | copySlot << ${abi.COPY_SHIFT}`,
    `or ${abi.COPIES_MAX} copies wait`,
    `u64[${abi.COUNTER_COUNT}]`,
    `, ${abi.BUFFER_ALIGN} … ${abi.BUFFER_SIZE}; ${abi.BUFFER_START} when`,
    `\`B_DATA\` + \`B_LENGTH\` ≤ ${abi.BUFFER_SIZE} |`,
    `k ≤ \`B_DATA\` - ${abi.BUFFER_ALIGN}`,
    `${hex(abi.BUFFER_USED)} while`,
    `${abi.INTERFACE_COUNT} · ${abi.INTERFACE_SIZE} |`,
    `\`INTERFACES\` + ${abi.INTERFACE_SIZE} · index`,
    `${abi.IF_FLAG_ADMIN_UP} \`IF_FLAG_ADMIN_UP\`, ${abi.IF_FLAG_LINK_UP} \`IF_FLAG_LINK_UP\``,
    `${abi.ADJACENCY_COUNT} · ${abi.ADJACENCY_SIZE} |`,
    `\`ADJACENCIES\` + ${abi.ADJACENCY_SIZE} · index`,
    `number ${abi.ADJ_NO_ROUTE} (\`ADJ_NO_ROUTE\`)`,
    `${hex(abi.ADJ_BROADCAST)}: a broadcast`,
    `${abi.LOOKUP_NEXT_DROP} drop, ${abi.LOOKUP_NEXT_REWRITE} rewrite and send, ${abi.LOOKUP_NEXT_LOCAL} the router itself`,
    `${abi.LOOKUP_NEXT_GLEAN} neighbour not yet known, ${abi.LOOKUP_NEXT_UNREACHABLE} unreachable`,
    `${hex(abi.FIB_ROOT_SIZE)} |`,
    `${abi.FIB_PLY_UNITS} · ${abi.FIB_PLY_UNIT} |`,
    `4 · ${abi.FIB_NUMBERS} |`, `Below ${hex(abi.FIB_DEEP)} (\`FIB_DEEP\`)`,
    `p + ${abi.FIB_PLY_RANKS} + (b >> 6)`, `p + ${abi.FIB_PLY_ENTRIES} + 2 · (r − 1)`,
    `${hex(abi.CONFIGURATIONS_SIZE)} |`,
  ];
  const text = page.replace(/\s+/g, " ");
  assert.equal(sentences.filter((sentence) => !text.includes(sentence)), []);
});

test("the example in Rust has the constants of abi.ts", () => {
  const constant = /^const (\w+): \w+ = (\d+);$/gm;
  const lines = [...read("assembly/examples/rust/dscp-mark.rs").matchAll(constant)];
  const found = lines.map(([, name, value]): [string, number] => [name!, Number(value)]);
  check(found.filter(([name]) => /^(FRAME|NODE|BUFFER|B)_/.test(name)), 6);
});

test.run();
