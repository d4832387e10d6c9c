// What README.md shows is typed, and its output compared: lines of scripts, calls of weft ctl, and what stands below a prompt.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { SUBCOMMANDS } from "../../host/cli/subcommands.js";
import { withoutComment } from "../../host/cli/words.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { blocks, calls, parses, shellWords } from "../readme.js";
import { DocumentedLab } from "./documented-lab.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const PROMPT = "weft# ";
const lab = await DocumentedLab.start();
test.after(() => lab.close());

/** Calls of weft ctl with a command that has no place to fill in. */
function commands(list: string[]): string[] {
  return list.map(shellWords).filter(([first, ...words]) => first === "ctl" && !words.some((word) => /^[A-Z]+$|^…/.test(word)))
    .map(([, ...words]) => words.filter((word) => word !== "--json").join(" ")).filter((line) => line !== "");
}

const scripts = blocks().filter(({ language, lines }) => language === "" && parses(withoutComment(lines[0]!)));
const examples = SUBCOMMANDS.flatMap((one) => one.examples).flatMap((example) => example.split(/&&|&|\|/)).map((part) => part.trim().replace(/^weft /, ""));
const typed = [...scripts.flatMap(({ lines }) => lines), ...commands(calls()), ...commands(examples)].map((line) => withoutComment(line).trim());

for (const line of new Set(typed.filter((one) => one !== ""))) test(line, () => lab.try(line).then(() => {}));

test("there were scripts, and calls of weft ctl, to try", () => {
  assert.ok(scripts.length >= 2 && commands(calls()).length >= 8 && commands(examples).length >= 5);
});

/** Numbers and columns vary: what stays is what a reader learns from it. */
function shape(line: string): string {
  return line.trim().replace(/\s+/g, " ").replace(/(?<![\w.])-?\d+(\.\d+)?(?![\w.])/g, "N");
}

for (const { lines } of blocks().filter(({ lines: [first] }) => first!.startsWith(PROMPT))) {
  test(lines[0]!, async () => {
    const { text } = await lab.try(lines[0]!.slice(PROMPT.length));
    const printed = text.split("\n").map(shape);
    let from = 0;
    for (const expected of lines.slice(1).map(shape)) {
      const at = printed.indexOf(expected, from);
      assert.ok(at >= 0, `${JSON.stringify(expected)} is not in\n${printed.slice(from).join("\n")}`);
      from = at + 1;
    }
  });
}

test("help of every subcommand", () => {
  const launch = fileURLToPath(new URL("./launch.js", import.meta.url));
  for (const { name, options } of SUBCOMMANDS) {
    const { status, stdout } = spawnSync(process.execPath, [launch, ...name.split(" "), "--help"], { encoding: "utf8" });
    assert.is(status, 0, name);
    for (const option of options) assert.match(stdout, `--${option.name}`);
    assert.match(stdout, `Usage: weft ${name}`);
  }
});

test.run();
