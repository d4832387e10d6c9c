// What the README says of metrics: its queries name metrics that there are, and promtool, where it is installed, takes them and the configuration.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { InlineRouter } from "../graph/inline.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const README = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");
const folder = mkdtempSync(join(tmpdir(), "weft-promtool-"));
test.after(() => rmSync(folder, { recursive: true }));

/** The one block of this language that contains a word. */
function block(language: string, word: string): string {
  const blocks = [...README.matchAll(new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\`$`, "gm"))].map(([, text]) => text!);
  const found = blocks.filter((text) => text.includes(word));
  assert.is(found.length, 1, `${language} with ${word}`);
  return found[0]!;
}

const CONFIGURATION = block("yaml", "scrape_configs");
const QUERIES = block("promql", "weft_").split("\n").filter((line) => line !== "" && !line.startsWith("#"));

test("every metric that the README names is one, or begins one where it ends in *", async () => {
  const inline = await InlineRouter.startPair();
  const names = inline.router.metrics().map(({ name }) => name);
  await inline.router.stop();
  const mentioned = [...README.matchAll(/\bweft_[a-z_]+\*?/g)].map(([name]) => name);
  assert.ok(mentioned.length > 10);
  for (const name of mentioned) assert.ok(name.endsWith("*") ? names.some((one) => one.startsWith(name.slice(0, -1))) : names.includes(name), name);
  assert.is(QUERIES.length, 3);
});

const promtool = spawnSync("promtool", ["--version"]).status === 0 ? test : test.skip;

promtool("promtool takes the configuration and the queries", () => {
  const check = (kind: string, text: string): void => {
    const file = join(folder, `${kind}.yml`);
    writeFileSync(file, text);
    const { status: failed, stdout, stderr } = spawnSync("promtool", ["check", kind, file], { encoding: "utf8" });
    assert.is(failed, 0, `${stdout}${stderr}`);
  };
  check("config", CONFIGURATION);
  const rules = QUERIES.map((expr, i) => ({ record: `query:${i}`, expr }));
  check("rules", JSON.stringify({ groups: [{ name: "readme", rules }] })); // JSON is YAML
});

test.run();
