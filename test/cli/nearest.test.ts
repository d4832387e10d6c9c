import { test } from "uvu";
import * as assert from "uvu/assert";
import { editDistance, nearest, quote } from "../../host/nearest.js";

test("edits: insert, delete, replace, swap", () => {
  for (const [a, b, distance] of [
    ["", "", 0], ["abc", "abc", 0], ["", "abc", 3], ["abc", "ab", 1], ["ab", "abc", 1],
    ["abc", "axc", 1], ["abcd", "acbd", 1], ["kitten", "sitting", 3],
  ] as const) {
    assert.is(editDistance(a, b), distance, `${a} ${b}`);
    assert.is(editDistance(b, a), distance, `${b} ${a}`);
  }
});

test("the nearest word, also of a mistyped prefix, or none", () => {
  const words = ["interface", "ip", "errors", "runtime"];
  assert.is(nearest("interfcae", words), "interface");
  assert.is(nearest("itnerf", words), "interface");
  assert.is(nearest("rutnime", words), "runtime");
  assert.is(nearest("zebra", words), undefined);
  assert.is(nearest("", words), undefined);
  assert.is(nearest("i".repeat(100000), words), undefined);
});

test("messages never carry control characters or endless words", () => {
  assert.is(quote("a\x1b[2J\n"), '"a\\u001b[2J\\n"');
  assert.ok(quote("x".repeat(100000)).length < 130);
});

test.run();
