// What can come next in a line: for TAB and "?".

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { choicesOf, choicesText } from "../../host/cli/choices.js";
import { COMMANDS, grammar } from "../../host/cli/commands.js";
import { complete } from "../../host/cli/completion.js";
import { filesLike } from "../../host/cli/files.js";
import { History, historyFile } from "../../host/cli/history.js";
import { watchedLine } from "../../host/cli/watch.js";
import { stub } from "./stub.js";

const test = suite("choices");
const folder = mkdtempSync(join(tmpdir(), "weft-test-"));
test.after(() => rmSync(folder, { recursive: true }));

const { control } = stub();
const words = (line: string): string[] => choicesOf(control, line).words.map(([word]) => word);
const help = (line: string): string[] => choicesText(choicesOf(control, line)).split("\n").map((one) => one.trim().replace(/ {2,}/g, "  "));

test("words that begin like the last one, with names that the router knows", () => {
  assert.equal(words("sh"), ["show"]);
  assert.equal(words("show i"), ["interface", "ip"]);
  assert.equal(words("show interface "), ["address", "fault", "rx-placement", "--json", "local0", "host-eth0"]);
  assert.equal(words("sh int host-"), ["host-eth0"], "prefixes before it");
  assert.equal(words("show node "), ["counters", "table", "--json", "ethernet-input", "arp-learn", "ip4-local"]);
  assert.equal(words("node bypass "), ["acl", "flow-meter"]);
  assert.equal(words("node policy acl via "), ["error-drop", "continue"]);
  assert.equal(words("create interface rdma host-if eth0 mode "), ["auto", "ibv", "dv"]);
  assert.equal(words("pcap trace rx intfc "), ["any", "local0", "host-eth0"]);
  assert.equal(words("ip route add 198.51.100.0/24 via 192.0.2.2 via 192.0.2.3 host"), ["host-eth0"]);
  assert.equal(words("show version --json "), []);
  for (const line of ["bogus ", "show bogus ", "s ", "ping ", "node config acl {"]) assert.equal(words(line), [], line);
});

test("files where a file is expected", () => {
  const file = (line: string): boolean => choicesOf(control, line).file;
  assert.equal(["node load bu", "node config acl @ac", "pcap trace rx file x", "packet-generator new name s1 interface pg0 pcap x"].map(file),
    [true, true, true, true]);
  assert.equal(["node config acl ac", "show "].map(file), [false, false]);
  mkdirSync(join(folder, "build"));
  for (const name of ["build/acl.wasm", "build/acl-2.wasm", "build/.hidden"]) writeFileSync(join(folder, name), "");
  const inFolder = (...names: string[]): string[] => names.map((name) => join(folder, name));
  assert.equal(filesLike(join(folder, "bu")), inFolder("build/"));
  assert.equal(filesLike(join(folder, "build/")), inFolder("build/acl-2.wasm", "build/acl.wasm"));
  assert.equal(filesLike(`@${join(folder, "build/acl.")}`), [`@${join(folder, "build/acl.wasm")}`]);
  assert.equal(filesLike(join(folder, "none/x")), []);
});

test("help: a command's own where a word picks it, else what follows", () => {
  assert.equal(help("show er"), ["errors  dropped and noteworthy packets by node and reason"]);
  assert.equal(help("set interface mtu "), ["packet  <mtu>", "<mtu>  a number from 68 to 65535, such as 1500"]);
  assert.equal(help("show errors "), ["--json  one line of JSON", "<cr>  dropped and noteworthy packets by node and reason"]);
  assert.equal(help("node bypass "), ["<node>  a node's name in lower case, such as acl or flow-meter (acl, flow-meter)"]);
  assert.equal(help("create interface rdma device mlx5_0 n"), ["name  <name>", "no-cqe-compression", "no-multi-seg", "no-rx-cksum", "no-striding", "num-rx-queues  <num-rx-queues>",
    "<cr>  the same, by its verbs device"]);
  assert.equal(help("bogus "), ["nothing that is known can come here"]);
  assert.ok(help("show ").includes("ip  fib, icmp, local, neighbors, reassembly"));
});

test("every word that is offered is understood, whatever was typed before", () => {
  const all = [...new Set(COMMANDS.flatMap(({ pattern }) => pattern.replace(/[[\]<>]/g, " ").split(/\s+/)))];
  const word = fc.oneof(fc.constantFrom(...all), fc.constantFrom("host-eth0", "acl", "192.0.2.1", "192.0.2.1/24", "1500", "{", '"', "--json", "?", "__proto__", ""));
  fc.assert(fc.property(fc.array(fc.oneof({ weight: 9, arbitrary: word }, fc.string({ unit: "binary" })), { maxLength: 8 }), fc.boolean(), (line, blank) => {
    const text = line.join(" ") + (blank ? " " : "");
    const { partial, words: offered } = choicesOf(control, text);
    assert.ok(text.trimEnd().endsWith(partial) || partial.length < text.length);
    for (const [one] of offered.filter(([name]) => name !== "--json")) {
      const before = text.slice(0, text.length - partial.length);
      const { words: next, arguments: names, command } = grammar.next(`${before}${one} `);
      assert.ok(next.length + names.length > 0 || command !== undefined, `${before}${one}`);
    }
  }), { numRuns: 3000 });
});

test("words for a shell", async () => {
  const offered = async (...typed: string[]): Promise<string[]> => {
    let out = "";
    await complete(typed, { out: (text) => (out += text), error: () => {} });
    return out.split("\n").slice(0, -1).map((line) => line.split("\t")[0]!);
  };
  assert.equal(await offered("ru"), ["run"]);
  assert.equal(await offered("node", "te"), ["test"]);
  assert.equal(await offered("node", "build", "--r"), ["--region"]);
  assert.equal(await offered("run", "--cpu", ""), []);
  assert.equal(await offered("emulate", "--wire", "p"), ["pair"]);
  assert.equal(await offered("emulate", "--wire", "pair", "--", ""), [":file"]);
  assert.equal(await offered("ctl", "--socket", join(folder, "none.sock"), "show", "er"), ["errors"], "without a router, too");
  assert.equal(await offered("bogus", ""), []);
  assert.ok((await offered("")).includes("--version"));
});

test("watch", () => {
  const told: string[] = [];
  const watched = (line: string) => watchedLine(line, { out: () => {}, error: (text) => told.push(text) });
  assert.equal(watched("show version"), undefined);
  assert.equal(watched("watch show version"), { line: "show version", seconds: 2 });
  assert.equal(watched("watch -n .5 show version"), { line: "show version", seconds: 0.5 });
  for (const line of ["watch", "watch -n 0 show version", "watch -n x show version", "watch -n 1"]) assert.is(watched(line), null, line);
  assert.is(told.length, 4);
});

test("where the history is, and one that cannot be written", () => {
  assert.is(historyFile({ XDG_STATE_HOME: "/s" }, "/h"), "/s/weft/history");
  assert.is(historyFile({ XDG_STATE_HOME: "s" }, "/h"), "/h/.local/state/weft/history", "by the specification a relative path is ignored");
  assert.is(historyFile({}, "/h"), "/h/.local/state/weft/history");
  writeFileSync(join(folder, "file"), "");
  const none = new History(join(folder, "file/weft/history"));
  none.add("show version");
  assert.equal(none.lines, []);
});

test.run();
