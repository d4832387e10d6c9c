import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { asWord, withoutComment, words } from "../../host/cli/words.js";

const LINES: [line: string, ...words: string[]][] = [
  ["", ...[]],
  [" \t ", ...[]],
  [" show \t interface ", "show", "interface"],
  ['a {"b": "c d"} e', "a", '{"b": "c d"}', "e"],
  ['{"a": {"b": {}}}{}x', '{"a": {"b": {}}}', "{}", "x"],
  ['{"a": "}"} b', '{"a": "}"}', "b"],
  ['{"a": "\\"}"} b', '{"a": "\\"}"}', "b"],
  ['{"a": "\\\\"} b', '{"a": "\\\\"}', "b"],
  ['{"a": "b c', '{"a": "b c'],
  ['{"a": {} b c', '{"a": {} b c'],
  ["a{b} c", "a{b}", "c"],
  ['"my file" as "x"', "my file", "as", "x"],
  ['"say \\"hi\\" \\u00e4" b', 'say "hi" ä', "b"],
  ['"never closed b', '"never', "closed", "b"],
  ['"" "', '""', '"'],
  ['"\\x" b', '"\\x"', "b"],
];

for (const [line, ...expected] of LINES) test(JSON.stringify(line), () => assert.equal(words(line), expected));

test("a comment begins with a word that begins with #", () => {
  for (const [line, rest] of [
    ["# all", ""], ["a # b", "a "], ["a #b", "a "], ["a\t#", "a\t"], ["a#b", "a#b"],
    ['{"a": " # "} # b', '{"a": " # "} '], ['"a # b" # c', '"a # b" '],
  ] as const) assert.is(withoutComment(line), rest);
});

test("a word stays one, whatever is in it; words apart stay apart", () => {
  const text = fc.string({ unit: "binary", minLength: 1 }).filter((one) => !one.startsWith("{"));
  fc.assert(fc.property(fc.array(text), (list) => assert.equal(words(list.map(asWord).join(" ")), list)));
});

test("an object stays one word", () => {
  fc.assert(fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue()), fc.constantFrom(undefined, 1), (value, indent) => {
    const json = JSON.stringify(value, null, indent);
    assert.equal(words(`config ${json} end`), ["config", json, "end"]);
  }));
});

test.run();
