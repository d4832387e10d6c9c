import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { jsonFault, jsonText } from "../../host/cli/json.js";
import { WeftError } from "../../host/errors.js";

const test = suite("json");
const folder = mkdtempSync(join(tmpdir(), "weft-test-"));
test.after(() => rmSync(folder, { recursive: true }));

const FAULTS: [text: string, at: number, what: string][] = [
  ["", 0, 'expected "{", but it ends here'],
  ["[1]", 0, 'expected "{", not "["'],
  ["{", 1, 'expected a name in double quotes or "}", but it ends here'],
  ["{a: 1}", 1, 'expected a name in double quotes or "}", not "a"'],
  ["{'a': 1}", 1, 'expected a name in double quotes or "}", not "\'"'],
  ['{"a" 1}', 5, 'expected ":", not "1"'],
  ['{"a": }', 6, 'expected a value, not "}"'],
  ['{"a": tru}', 6, 'expected a value, not "t"'],
  ['{"a": .5}', 6, 'expected a value, not "."'],
  ['{"a": 01}', 7, 'expected "," or "}", not "1"'],
  ['{"a": 1,}', 8, 'expected a name in double quotes, not "}"'],
  ['{"a": [1,]}', 9, 'expected a value, not "]"'],
  ['{"a": [,]}', 7, 'expected a value or "]", not ","'],
  ['{"a": [1}', 8, 'expected "," or "]", not "}"'],
  ['{"a": 1 "b": 2}', 8, 'expected "," or "}", not "\\""'],
  ['{"a": [true, false, null], "b"}', 30, 'expected ":", not "}"'],
  ['{"a": "b', 6, "the text that begins here is not closed, or has a wrong escape in it"],
  ['{"a": "\\x"}', 6, "the text that begins here is not closed, or has a wrong escape in it"],
  ['{"a": "\n"}', 6, "the text that begins here is not closed, or has a wrong escape in it"],
  ['{"a": 1} {}', 9, 'expected nothing more, not "{"'],
  ['{"a":\u00a01}', 5, 'expected a value, not "\u00a0"'],
  ['{\u0007}', 1, 'expected a name in double quotes or "}", not "\\u0007"'],
];

for (const [text, at, what] of FAULTS) test(JSON.stringify(text), () => assert.equal(jsonFault(text), { at, what }));

const SIGNS = ["", "{", "}", "[", "]", ",", ":", '"', "\\", "1", "-", "e", " ", "\n", "null", "\0"];

test("nothing is wrong with what JSON.parse takes for an object, and with nothing else", () => {
  const object = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue()).map((value) => JSON.stringify(value));
  const mangled = fc.tuple(object, fc.nat(), fc.nat(3), fc.constantFrom(...SIGNS))
    .map(([text, at, length, other]) => text.slice(0, at % text.length) + other + text.slice((at % text.length) + length));
  fc.assert(fc.property(fc.oneof(object, mangled), (text) => {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      value = undefined;
    }
    const fault = jsonFault(text);
    assert.is(fault === undefined, typeof value === "object" && value !== null && !Array.isArray(value));
    if (fault === undefined) return;
    assert.ok(fault.at <= text.length);
    assert.not.match(fault.what, /[\x00-\x1f]|nothing more, but/);
  }), { numRuns: 5000 });
});

test("large and deep ones, right and wrong, take no time and no stack", () => {
  const start = performance.now();
  for (const inner of [`"${"x".repeat(1e6)}"`, `${"[".repeat(1e5)}${"]".repeat(1e5)}`, `[${"1, ".repeat(3e5)}1]`]) {
    assert.is(jsonFault(`{"a": ${inner}}`), undefined);
    assert.equal(jsonFault(`{"a": ${inner}]`), { at: 6 + inner.length, what: 'expected "," or "}", not "]"' });
  }
  assert.ok(performance.now() - start < 5000);
});

test("an object stands for itself, @FILE for what is in the file", async () => {
  assert.is(await jsonText('{"a": 1}'), '{"a": 1}');
  const file = join(folder, "my acl.json");
  writeFileSync(file, '\ufeff\n{\n  "rules": []\n}\n');
  assert.is(await jsonText(`@${file}`), '{\n  "rules": []\n}');
});

test("a file that is wrong is named, with line and column", async () => {
  const file = join(folder, "acl.json");
  for (const [text, message] of [
    ['{\n  "rules": [\n    {"action": deny}\n  ]\n}', `${file}:3:16: expected a value, not "d"`],
    ["[]", `${file}:1:1: expected "{", not "["`],
    ["", `${file}:1:1: expected "{", but it ends here`],
  ] as const) {
    writeFileSync(file, text);
    const error = await jsonText(`@${file}`).catch((reason: unknown) => reason);
    assert.instance(error, WeftError);
    assert.equal([(error as WeftError).code, (error as WeftError).message], ["BAD_ARGUMENT", message]);
  }
  for (const [name, code, message] of [
    ["/nonexistent/a.json", "NOT_FOUND", "cannot read /nonexistent/a.json: ENOENT"], [folder, "SYSTEM", `cannot read ${folder}: EISDIR`],
  ] as const) {
    const error = (await jsonText(`@${name}`).catch((reason: unknown) => reason)) as WeftError;
    assert.equal([error.code, error.message], [code, message]);
  }
});

test.run();
