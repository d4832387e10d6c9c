// The nodes in C, Rust and WAT: the module beside each source keeps the contract and does what it says, and so does
// the one that the command in the source's own header builds, wherever its toolchain is installed.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { OperatorCode } from "wasmparser";
import { verify } from "../../host/graph/verify.js";
import { readSections } from "../../host/graph/wasm-bytes.js";
import { readFacts } from "../../host/graph/wasm-facts.js";
import { withMemoryLimits } from "../../host/graph/wasm-import.js";
import { checksum } from "../graph/packets.js";
import { type ExampleNode, fromHex, loadExample, resetTables, toHex } from "./harness.js";
import { C, ROOT, RUST, type Toolchain, WAT } from "./toolchains.js";

interface Example {
  language: string;
  /** path without its ending */
  path: string;
  ending: string;
  toolchain: Toolchain;
  behaviour: (load: (config?: Record<string, unknown>) => ExampleNode) => void;
}

/** An IPv4 packet with a right checksum from `TTL, protocol, type of service`, 192.0.2.1 to an address in hex. */
function packet(fields: { ttl?: number; protocol?: number; service?: number; to?: string } = {}): string {
  const { ttl = 64, protocol = 17, service = 0, to = "c6336401" } = fields;
  const [tos, time, number] = [service, ttl, protocol].map((byte) => byte.toString(16).padStart(2, "0"));
  const header = (sum: string): string => `45${tos}001c00004000${time}${number}${sum}c0000201${to}`;
  return `${header(checksum(fromHex(header("0000"))).toString(16).padStart(4, "0"))}0123456789abcdef`;
}

/** Sends packets as they are after ip4-input; gives "slot" of each, or "slot packet" where it was changed. */
function send(node: ExampleNode, ...packets: string[]): string[] {
  const outcomes = node.send(...packets.map((hex) => ({ hex, l2: 0 })));
  return outcomes.map(({ next, hex }, i) => (hex === packets[i] ? `${next}` : `${next} ${hex}`));
}

const EXAMPLES: Example[] = [
  {
    language: "C",
    path: "assembly/examples/c/ttl-floor",
    ending: ".c",
    toolchain: C,
    behaviour(load) {
      const all = load({ floor: 254 });
      assert.equal(send(all, packet({ ttl: 255 }), packet({ ttl: 254 }), packet({ ttl: 253 }), packet({ ttl: 0 })),
        ["continue", "continue", "error-drop", "error-drop"]);
      assert.equal(send(all, packet().slice(0, 38), `6${packet().slice(1)}`), ["error-drop", "error-drop"]);
      assert.equal(all.counters(), { "TTL below the floor": 2, "not a whole IPv4 header": 2 });

      const tcp = load({ floor: 255, protocol: 6 });
      assert.equal(send(tcp, packet({ protocol: 6, ttl: 255 }), packet({ protocol: 6, ttl: 254 }), packet({ ttl: 1 })),
        ["continue", "error-drop", "continue"]);
    },
  },
  {
    language: "Rust",
    path: "assembly/examples/rust/dscp-mark",
    ending: ".rs",
    toolchain: RUST,
    behaviour(load) {
      const node = load({ dscp: 46, destination: "198.51.100.0/24" });
      // the two bits of congestion notification stay; the checksum is what one computed anew would be
      for (const [before, after] of [[0, 0xb8], [0xff, 0xbb], [0xb8, 0xb8], [0x01, 0xb9]]) {
        const [was, is] = [packet({ service: before! }), packet({ service: after! })];
        assert.equal(send(node, was), [was === is ? "continue" : `continue ${is}`]);
      }
      assert.equal(send(node, packet({ to: "c6336501" }), packet({ to: "c6336301" })), ["continue", "continue"], "another prefix");
      assert.equal(send(node, packet().slice(0, 38), `5${packet().slice(1)}`), ["error-drop", "error-drop"]);
      assert.equal(node.counters(), { marked: 4, "not a whole IPv4 header": 2 });

      const all = load({ dscp: 0 });
      assert.equal(send(all, packet({ service: 0xb8, to: "ffffffff" })), [`continue ${packet({ to: "ffffffff" })}`]);
      for (let i = 0; i < 256; i++) {
        const to = toHex(Uint8Array.of(i, 255 - i, i * 7, i));
        assert.equal(send(all, packet({ service: 0xfc, ttl: i, to })), [`continue ${packet({ ttl: i, to })}`]);
      }
    },
  },
  {
    language: "WAT",
    path: "assembly/examples/wat/icmp-block",
    ending: ".wat",
    toolchain: WAT,
    behaviour(load) {
      const node = load();
      assert.equal(send(node, packet({ protocol: 1 }), packet(), packet({ protocol: 0 }), packet({ protocol: 1, ttl: 9 })),
        ["error-drop", "continue", "continue", "error-drop"]);
      assert.equal(node.counters(), { ICMP: 2 });
    },
  },
];

/** Builds an example with the command that its header tells, but to another place. */
function build({ path, ending }: Example, environment: NodeJS.ProcessEnv): Uint8Array<ArrayBuffer> {
  const folder = mkdtempSync(join(tmpdir(), "weft-"));
  try {
    const command = buildCommand(readFileSync(join(ROOT, path + ending), "utf8"));
    const written = `-o ${path}.wasm`;
    assert.ok(command.endsWith(written), `${path}${ending}: its command does not end with ${written}: ${command}`);
    const wasm = join(folder, "node.wasm");
    const elsewhere = `${command.slice(0, -written.length)} -o ${wasm}`;
    execFileSync("sh", ["-c", elsewhere], { cwd: ROOT, env: environment, stdio: ["ignore", "ignore", "inherit"] });
    return new Uint8Array(readFileSync(wasm));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The first indented lines of the opening comment. */
function buildCommand(source: string): string {
  const [, lines = ""] = /^\S+ {3}((?:.*\\\n)*.*)$/m.exec(source) ?? [];
  return lines.replace(/\\\n\S+/g, "").replace(/^npx /, "").replace(/ +/g, " ");
}

/** What must hold for a module, wherever it comes from. */
function check({ path, behaviour }: Example, bytes: Uint8Array<ArrayBuffer>): void {
  const { nodes, region, relocatable } = verify(bytes, path);
  assert.equal(nodes.map((node) => node.name), [path.split("/").at(-1)]);
  assert.is(region, null, "it has static data");
  assert.is(relocatable, false);
  assert.not.ok(usesStack(bytes), "it keeps a stack in memory");
  assert.ok(bytes.length < 1024, `${bytes.length} bytes`);
  behaviour((config) => Object.values(loadExample(withMemoryLimits(bytes), config))[0]!);
}

/** A stack in memory has its pointer in a global; the examples have no other global to set. */
function usesStack(bytes: Uint8Array): boolean {
  let sets = 0;
  readFacts(bytes, readSections(bytes), ({ code }) => void (sets += Number(code === OperatorCode.global_set)));
  return sets > 0;
}

test.before.each(resetTables);

for (const example of EXAMPLES) {
  const { language, path, toolchain: { environment } } = example;
  test(`${language}: the module in the repository`, () => check(example, new Uint8Array(readFileSync(join(ROOT, `${path}.wasm`)))));
  if (typeof environment === "string") test.skip(`${language}: a module built now: ${environment}`);
  else test(`${language}: a module built now`, () => check(example, build(example, environment)));
}

test.run();
