// weft node test: runs nodes/*.test; what came out otherwise stands beside what was expected.

import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { verify } from "../graph/verify.js";
import { type NodeFiles, nodesIn, readBytes } from "../kit/folder.js";
import { readCapture } from "../ports/capture-file.js";
import { type Failure, type TestResult, runTests } from "../kit/run-tests.js";
import { parseTests } from "../kit/test-file.js";
import type { Output } from "./session.js";
import { parseOptions } from "./options.js";
import { table } from "./table.js";

/** failures of a test that are told in full */
const FAILURES_SHOWN = 5;
const BYTES_A_LINE = 16;

export async function nodeTest(argv: string[], output: Output): Promise<number> {
  const { values, positionals } = parseOptions("node test", argv);
  const folder = process.cwd();
  const all: { node: string; file: string; results: TestResult[] }[] = [];
  for (const files of nodesIn(folder, ".test", positionals)) {
    warnOfOldModule(folder, files, output);
    const results = await testNode(folder, files);
    all.push({ node: files.name, file: files.test, results });
    if (values.json !== true) for (const result of results) tell(files, result, output);
  }
  const results = all.flatMap((file) => file.results);
  const failed = results.filter(({ failures }) => failures.length > 0).length;
  if (values.json === true) output.out(`${JSON.stringify({ ok: failed === 0, tests: all }, plain)}\n`);
  else output.out(`${results.length - failed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

function testNode(folder: string, files: NodeFiles): Promise<TestResult[]> {
  const module = verify(readBytes(folder, files.module, `make it with "weft node build ${files.name}"`), files.module);
  const text = new TextDecoder().decode(readBytes(folder, files.test, "write tests in it"));
  const tests = parseTests(text, files.test, (name) => readCapture(join(folder, dirname(files.test), name)));
  return runTests(module, tests);
}

function warnOfOldModule(folder: string, { name, source, module }: NodeFiles, output: Output): void {
  const paths = [source, module].map((path) => join(folder, path));
  if (!paths.every((path) => existsSync(path))) return;
  const [written, built] = paths.map((path) => statSync(path).mtimeMs);
  if (written! > built!) output.error(`weft: ${source} was changed after ${module} was built: weft node build ${name}\n`);
}

function tell({ name, test }: NodeFiles, { title, line, failures, log }: TestResult, output: Output): void {
  output.out(`${failures.length === 0 ? "ok  " : "FAIL"} ${name}: ${title}\n`);
  if (failures.length === 0) return;
  for (const failure of failures.slice(0, FAILURES_SHOWN)) output.out(indented(`${test}:${failure.line}: ${described(failure)}`));
  if (failures.length > FAILURES_SHOWN) output.out(indented(`… and ${failures.length - FAILURES_SHOWN} more (${test}:${line})`));
  for (const text of log) output.out(indented(`the node logged: ${JSON.stringify(text)}`));
}

function described({ what, expected, got }: Failure): string {
  if (expected instanceof Uint8Array && got instanceof Uint8Array) return `${what}\n${byteTable(expected, got)}`;
  return expected === null ? what : `${what}\n${table(["expected", "got"], [[String(expected), String(got)]]).replace(/^/gm, "  ")}`;
}

/** The lines of 16 bytes that differ. */
function byteTable(expected: Uint8Array, got: Uint8Array): string {
  const rows: string[][] = [];
  for (let at = 0; at < Math.max(expected.length, got.length); at += BYTES_A_LINE) {
    const [left, right] = [expected, got].map((bytes) => hex(bytes.subarray(at, at + BYTES_A_LINE)));
    if (left !== right) rows.push([at.toString(16).padStart(4, "0"), left!, right!]);
  }
  const head = ["at", `expected, ${expected.length} bytes`, `got, ${got.length} bytes`];
  return table(head, rows).replace(/^/gm, "  ");
}

/** Pairs of bytes, so that a table does not take them for a number. */
function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex").replace(/(.{4})(?=.)/g, "$1 ");
}

function indented(text: string): string {
  return `${text.replace(/^/gm, "     ")}\n`;
}

/** Bytes as hex text. JSON.stringify shows a Buffer by its own toJSON. */
function plain(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const raw = this[key];
  return raw instanceof Uint8Array ? Buffer.from(raw).toString("hex") : value;
}
