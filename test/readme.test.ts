// Nothing stands in README.md that is no command of weft, and nothing in the table of subcommands that does not parse.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { grammar } from "../host/cli/commands.js";
import { SUBCOMMANDS } from "../host/cli/subcommands.js";
import { calls, linesOf, parses, shellWords, spans, tableForms } from "./readme.js";

/** What is wrong with the words behind "weft"; undefined: nothing. Values in capitals stand for any. */
function fault(words: string[]): string | undefined {
  const [first, second] = words;
  if (first === undefined || ["--help", "--version", "help", "…"].includes(first)) return undefined;
  const found = SUBCOMMANDS.find(({ name }) => name === `${first} ${second}`) ?? SUBCOMMANDS.find(({ name }) => name === first);
  if (!found) return `no subcommand ${first}`;
  const own = words.slice(found.name.split(" ").length);
  const options = (own.includes("--") ? own.slice(0, own.indexOf("--")) : own).filter((word) => word.startsWith("--"));
  const unknown = options.find((word) => ![...found.options.map(({ name }) => `--${name}`), "--help"].includes(word));
  if (unknown !== undefined) return `no option ${unknown}`;
  const takesValue = (word: string | undefined): boolean => found.options.some(({ name, value }) => value !== undefined && word === `--${name}`);
  const positionals = own.filter((word, i) => !word.startsWith("-") && !takesValue(own[i - 1]));
  if (found.name === "ctl" && positionals.length > 0) return known(positionals.join(" ")) ? undefined : "no such command";
  if (found.words === undefined || positionals.length === 0 || /^[A-Z]/.test(positionals[0]!)) return undefined;
  return found.words.some(([word]) => positionals[0]!.split("|").includes(word)) ? undefined : `no word ${positionals[0]}`;
}

/** A command, or a form of one. */
function known(line: string): boolean {
  try {
    return parses(line) || linesOf(line).length > 0;
  } catch {
    return false;
  }
}

test("the forms in the tables of commands are commands", () => {
  const rows = tableForms();
  assert.ok(rows.length > 10, `${rows.length} rows`);
  for (const row of rows) {
    for (const [i, form] of row.entries()) if (/^[a-z]/.test(form)) linesOf(form, row.slice(0, i));
  }
});

test("calls of weft have subcommands, options and commands that there are", () => {
  const all = calls();
  assert.ok(all.length > 20, `${all.length} calls`);
  assert.equal(all.map((call) => [call, fault(shellWords(call))]).filter(([, what]) => what !== undefined), []);
});

test("commands named in sentences are beginnings of commands", () => {
  const named = spans().filter((span) => /^(show|clear|create|delete|node|set interface|ip route|ip neighbor|test rdma) [a-z]/.test(span));
  assert.ok(named.length > 10);
  const forms = tableForms().flat();
  const beginnings = (span: string): boolean => known(span) || grammar.next(`${span} `).words.length + grammar.next(`${span} `).arguments.length > 0;
  assert.equal(named.filter((span) => !forms.includes(span) && !beginnings(span)), []);
});

test("the examples of the subcommands are calls that there are", () => {
  for (const { name, examples } of SUBCOMMANDS) {
    assert.ok(examples.length > 0, name);
    const parts = examples.flatMap((example) => example.replace(/ >.*/, "").split(/&&|&|\|/));
    const called = parts.flatMap((part) => /(?:^|\$\()\s*weft (.*?)\s*\)?"?$/.exec(part)?.[1] ?? []);
    assert.equal(called.map((words) => [words, fault(shellWords(words))]).filter(([, what]) => what !== undefined), []);
  }
});

test("what is no command is found", () => {
  for (const form of ["show frob", "show interface|frob", "set interface frob IF", "node load FILE like NAME", "ip route add P/L over GATEWAY"]) {
    assert.throws(() => linesOf(form), /is no command/);
  }
  assert.equal(calls("```sh\nweft frob\nweft run --frob\nnpm run weft -- ctl show frob # x\n```").map((call) => fault(shellWords(call))),
    ["no subcommand frob", "no option --frob", "no such command"]);
  assert.equal([...new Set(linesOf("set interface state IF up|down"))], ["set interface state host-eth0 up", "set interface state host-eth0 down"]);
  assert.equal(linesOf("via IF", ["ip route add P/L via GATEWAY"])[0], "ip route add 192.0.2.1/24 via host-eth0");
});

test.run();
