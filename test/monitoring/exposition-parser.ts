// Prometheus' text format, version 0.0.4, read strictly: more is refused here than Prometheus refuses, also what
// its naming rules only advise (prometheus.io/docs/practices/naming, and what promtool check metrics looks for).

import * as assert from "uvu/assert";

export interface Family {
  type: string;
  help: string;
  /** by their labels, sorted */
  series: Map<string, Series>;
}

export interface Series {
  labels: Record<string, string>;
  value: number;
}

const HELP = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (\S(?:[^\\]|\\\\|\\n)*)$/;
const TYPE = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|untyped)$/;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^]*\})? ([+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\["\\n])*)"(,|$)/y;
/** Units in which nothing is told: Prometheus wants seconds, bytes, ratios. */
const NO_BASE_UNIT = /_([mun]s|(milli|micro|nano)seconds|minutes|hours|k?m?bits|(kilo|kibi|mega|mebi)bytes|percent|clocks)(_|$)/;

/** Families by name. Fails with the line that is wrong. */
export function parse(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  assert.ok(text.endsWith("\n"), "the last line ends");
  let current = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const [, helped, help] = HELP.exec(line) ?? [];
    if (helped !== undefined) {
      assert.not(families.has(helped), `twice: ${line}`);
      assert.ok(current === "" || families.get(current)!.series.size > 0, `nothing follows: ${current}`);
      families.set((current = helped), { type: "", help: unescape(help!), series: new Map() });
      continue;
    }
    const family = families.get(current);
    assert.ok(family, `before any HELP: ${line}`);
    const [, typed, type] = TYPE.exec(line) ?? [];
    if (typed !== undefined) {
      assert.equal([typed, family.type, family.series.size], [current, "", 0], line);
      family.type = type!;
      checkName(current, type!);
    } else sample(line, current, family);
  }
  return families;
}

function sample(line: string, current: string, family: Family): void {
  const [, name, braces = "", number] = SAMPLE.exec(line) ?? [];
  assert.is(name, current, `not of ${current}: ${line}`);
  assert.not.equal(family.type, "", `no TYPE: ${line}`);
  const value = number!.endsWith("Inf") ? (number!.startsWith("-") ? -Infinity : Infinity) : Number(number);
  if (family.type === "counter") assert.ok(value >= 0, `a counter below zero: ${line}`);
  const labels = labelsOf(braces, line);
  const key = JSON.stringify(Object.entries(labels).sort());
  assert.not(family.series.has(key), `twice: ${line}`);
  family.series.set(key, { labels, value });
}

function labelsOf(braces: string, line: string): Record<string, string> {
  const inner = braces.slice(1, -1);
  const labels: Record<string, string> = {};
  for (LABEL.lastIndex = 0; LABEL.lastIndex < inner.length; ) {
    const [, name, value] = LABEL.exec(inner) ?? assert.unreachable(`labels: ${line}`) as never;
    assert.not(name! in labels || name!.startsWith("__") || ["job", "instance"].includes(name!), `label ${name}: ${line}`);
    labels[name!] = unescape(value!);
  }
  assert.not.match(inner, /,$/, line);
  return labels;
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character));
}

function checkName(name: string, type: string): void {
  assert.is(/_total$/.test(name), type === "counter", `${name} is a ${type}`);
  assert.not.match(name, /_(count|sum|bucket)$/, name);
  assert.not.match(name, /_(counter|gauge|untyped|histogram|summary)(_|$)/, name);
  assert.not.match(name, NO_BASE_UNIT, name);
  assert.match(name, /^(weft|process)_[a-z0-9]+(_[a-z0-9]+)*$/, name);
}

/** The value of one series; labels in any order, those not given are not looked at. Fails where there is none or more than one. */
export function valueOf(families: Map<string, Family>, name: string, labels: Record<string, string> = {}): number {
  const series = [...(families.get(name)?.series.values() ?? [])];
  const found = series.filter((one) => Object.entries(labels).every(([label, value]) => one.labels[label] === value));
  assert.is(found.length, 1, `${name} ${JSON.stringify(labels)}`);
  return found[0]!.value;
}
