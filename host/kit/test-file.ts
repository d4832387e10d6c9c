// The format of node tests: packets in, packets out, as text (weft node test --help describes it).

import { INTERFACE_COUNT } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import type { Capture } from "../ports/capture-file.js";
import { type Word, TestLine } from "./test-line.js";

/** Fields of a buffer's header that a test may set and compare. */
export const FIELD_NAMES = ["rx", "tx", "flags", "adjacency"] as const;
export type FieldName = (typeof FIELD_NAMES)[number];
export type Fields = Partial<Record<FieldName, number>>;

export interface PacketIn {
  /** bytes of headers that were stripped already */
  stripped: Uint8Array;
  /** from the current layer on, by the buffers of the packet's chain */
  pieces: Uint8Array[];
  fields: Fields;
}

export interface PacketOut {
  next: string;
  /** next node of the copy */
  copy: string | null;
  /** null: not compared; same: as it came */
  bytes: Uint8Array | "same" | null;
  fields: Fields;
}

export type Step = { line: number } & (
  | { kind: "config"; value: unknown }
  | { kind: "interface"; index: number; name: string | null; mac: string | null; ip4: string | null; mtu: number; up: boolean }
  | { kind: "time"; ns: number }
  | { kind: "in"; packets: PacketIn[] }
  | { kind: "out"; packets: PacketOut[] }
  | { kind: "counter"; name: string; value: bigint }
);

export interface NodeTest {
  title: string;
  line: number;
  /** which of the module's nodes; null: its first */
  node: string | null;
  steps: Step[];
}

/** Reads a capture that a test names. */
export type Pcaps = (name: string) => Capture;

const DIRECTIVES = ["node", "config", "interface", "time", "in", "out", "counter"];
/** most packets that one line can stand for */
const PACKETS_MAX = 65536;
/** most bytes of stripped headers */
const STRIPPED_MAX = 256;
const IP4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

/** Parses a test file; `path` is for messages. Throws BAD_ARGUMENT with file and line. */
export function parseTests(text: string, path: string, pcaps: Pcaps): NodeTest[] {
  const tests: NodeTest[] = [];
  for (const { text: content, line } of logicalLines(text)) {
    const words = new TestLine(content, `${path}:${line}`);
    const title = /^===\s*(.*?)\s*=*$/.exec(content)?.[1];
    if (title !== undefined) {
      if (title === "") throw words.bad("a test needs a title: === what it shows ===");
      tests.push({ title, line, node: null, steps: [] });
      continue;
    }
    const test = tests.at(-1);
    if (test === undefined) throw words.bad("a test begins with its title: === what it shows ===");
    const directive = words.oneOf("directive", DIRECTIVES);
    if (directive === "node") test.node = words.next("a node's name").text;
    else test.steps.push({ line, ...step(directive, words, pcaps) } as Step);
    words.end();
  }
  if (tests.length === 0) throw new WeftError("BAD_ARGUMENT", `${path}: no test in it: a test begins with === what it shows ===`);
  return tests;
}

/** Lines without comments; one that begins with a blank goes on with the line before. */
function logicalLines(text: string): { text: string; line: number }[] {
  const lines: { text: string; line: number }[] = [];
  for (const [i, raw] of text.split(/\r?\n/).entries()) {
    const content = raw.trim();
    if (content === "" || content.startsWith("#")) continue;
    const last = lines.at(-1);
    if (/^\s/.test(raw) && last !== undefined) last.text += ` ${content}`;
    else lines.push({ text: content, line: i + 1 });
  }
  return lines;
}

type Body<S> = S extends unknown ? Omit<S, "line"> : never;

function step(directive: string, words: TestLine, pcaps: Pcaps): Body<Step> {
  switch (directive) {
    case "config": return { kind: "config", value: words.json() };
    case "interface": return interfaceStep(words);
    case "time": return { kind: "time", ns: words.decimal("seconds") * 1e9 };
    case "in": return { kind: "in", packets: packetsIn(words, pcaps) };
    case "out": return { kind: "out", packets: packetsOut(words, pcaps) };
    default: return counterStep(words);
  }
}

function interfaceStep(words: TestLine): Body<Step> {
  const index = words.number("an interface's index", INTERFACE_COUNT - 1);
  const found: Body<Extract<Step, { kind: "interface" }>> = { kind: "interface", index, name: null, mac: null, ip4: null, mtu: 1500, up: true };
  while (words.more()) {
    const option = words.oneOf("option of interface", ["name", "mac", "ip4", "mtu", "down"]);
    if (option === "name") found.name = words.next("an interface's name").text;
    else if (option === "mac") found.mac = words.matching("a MAC address", /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i);
    else if (option === "ip4") found.ip4 = words.matching("an IPv4 address", IP4);
    else if (option === "mtu") found.mtu = words.number("an MTU", 65535);
    else found.up = false;
  }
  return found;
}

function counterStep(words: TestLine): Body<Step> {
  const all = words.rest().map(({ text }) => text);
  const value = all.pop();
  if (all.length === 0 || !/^\d+$/.test(value!)) throw words.bad("expected a counter's name and its value");
  return { kind: "counter", name: all.join(" "), value: BigInt(value!) };
}

/** rx 1, tx 2, … and how often the packet comes. */
function options(words: TestLine): { fields: Fields; times: number } {
  const fields: Fields = {};
  let times = 1;
  for (let name = words.peek(); name === "times" || FIELD_NAMES.includes(name as FieldName); name = words.peek()) {
    words.next("");
    const value = words.number(`a number behind ${name}`, name === "times" ? PACKETS_MAX : name === "adjacency" ? 0xffffffff : 65535);
    if (name === "times") times = value;
    else fields[name as FieldName] = value;
  }
  return { fields, times };
}

function repeat<T>(words: TestLine, items: T[], times: number): T[] {
  if (items.length * times > PACKETS_MAX) throw words.bad(`${items.length * times} packets: one line can stand for ${PACKETS_MAX} at most`);
  return Array.from({ length: times }, () => items).flat();
}

function packetsIn(words: TestLine, pcaps: Pcaps): PacketIn[] {
  const { fields, times } = options(words);
  const captured = capture(words, pcaps);
  if (captured !== null) return repeat(words, captured.map((packet) => ({ ...packet, fields })), times);
  const { before, pieces } = hexPacket(words, words.rest());
  return repeat(words, [{ stripped: before, pieces, fields }], times);
}

function packetsOut(words: TestLine, pcaps: Pcaps): PacketOut[] {
  const next = words.next("the next node's name").text;
  let copy: string | null = null;
  if (words.peek() === "copy") {
    words.next("");
    copy = words.next("the next node of the copy").text;
  }
  const { fields, times } = options(words);
  const captured = capture(words, pcaps);
  if (captured !== null) return repeat(words, captured.map(({ pieces }) => ({ next, copy, bytes: pieces[0]!, fields })), times);
  const rest = words.rest();
  let bytes: PacketOut["bytes"] = null;
  if (rest[0]?.text === "same" && rest.length === 1) bytes = "same";
  else if (rest.length > 0) bytes = joined(hexPacket(words, rest).pieces);
  return repeat(words, [{ next, copy, bytes, fields }], times);
}

/** `pcap FILE [strip N]`: the packets of a capture; null: the words are no such thing. */
function capture(words: TestLine, pcaps: Pcaps): { stripped: Uint8Array; pieces: Uint8Array[] }[] | null {
  if (words.peek() !== "pcap") return null;
  words.next("");
  const name = words.next("a file's name").text;
  let strip = 0;
  if (words.more()) {
    words.oneOf("option of pcap", ["strip"]);
    strip = words.number("bytes to strip", STRIPPED_MAX);
  }
  return pcaps(name).packets.map(({ data, original }, i) => {
    if (data.length < original) throw words.bad(`${name}: packet ${i + 1} is cut off at ${data.length} of ${original} bytes: capture it whole`);
    if (data.length < strip) throw words.bad(`${name}: packet ${i + 1} has ${data.length} bytes, fewer than the ${strip} to strip`);
    return { stripped: data.subarray(0, strip), pieces: [data.subarray(strip)] };
  });
}

/** Hex digits; "|" stands before the current layer, "/" before another buffer of the chain, "#" before a comment. */
function hexPacket(words: TestLine, all: Word[]): { before: Uint8Array; pieces: Uint8Array[] } {
  const end = all.findIndex(({ text }) => text.startsWith("#"));
  const hex = end < 0 ? all : all.slice(0, end);
  const wrong = hex.find((word) => /[^0-9a-f|/]/i.test(word.text));
  if (wrong !== undefined) throw words.bad(`${JSON.stringify(wrong.text)} is not hex`);
  const layers = hex.map(({ text }) => text).join("").split("|");
  if (layers.length > 2) throw words.bad('"|" stands before the current layer: once');
  const pieces = layers.at(-1)!.split("/").map((hex) => fromHex(hex, words));
  const before = fromHex(layers.length === 2 ? layers[0]! : "", words);
  if (before.length > STRIPPED_MAX) throw words.bad(`${before.length} bytes before "|": at most ${STRIPPED_MAX} fit`);
  return { before, pieces };
}

function fromHex(hex: string, words: TestLine): Uint8Array {
  if (hex.length % 2 !== 0) throw words.bad(`${hex.length} hex digits, but a byte has two`);
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

/** A packet in one piece. */
export function joined(pieces: Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(pieces));
}
