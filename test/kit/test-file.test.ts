import { test } from "uvu";
import * as assert from "uvu/assert";
import fc from "fast-check";
import { WeftError } from "../../host/errors.js";
import { type Capture } from "../../host/ports/capture-file.js";
import { type NodeTest, parseTests } from "../../host/kit/test-file.js";

const captured = (...data: number[][]): Capture => ({
  link: 1, packets: data.map((bytes) => ({ time: 0n, data: Uint8Array.from(bytes), original: bytes.length })),
});

const parse = (text: string, capture = captured([1, 2, 3], [4, 5, 6])): NodeTest[] => parseTests(text, "a.test", () => capture);

/** Bytes as hex, so that failures can be read. */
function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(readable);
  return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, readable(one)])) : value;
}

test("every directive", () => {
  const tests = parse(`# a comment
=== first ===
node two
config {"limit": 3,
  "text": "# no comment"}
interface 2 name eth1 mac 02:00:00:00:00:0a ip4 192.0.2.1 mtu 9000 down
time 2.5
in rx 2 flags 3 0102 03 | 04 05 # a comment
  06 / 07
out continue copy mirror tx 9 0405
out continue same
counter two words 7

=== second
in times 2 ff`);
  assert.equal(readable(tests), [
    {
      title: "first", line: 2, node: "two",
      steps: [
        { line: 4, kind: "config", value: { limit: 3, text: "# no comment" } },
        { line: 6, kind: "interface", index: 2, name: "eth1", mac: "02:00:00:00:00:0a", ip4: "192.0.2.1", mtu: 9000, up: false },
        { line: 7, kind: "time", ns: 2.5e9 },
        { line: 8, kind: "in", packets: [{ stripped: "010203", pieces: ["0405"], fields: { rx: 2, flags: 3 } }] },
        { line: 10, kind: "out", packets: [{ next: "continue", copy: "mirror", bytes: "0405", fields: { tx: 9 } }] },
        { line: 11, kind: "out", packets: [{ next: "continue", copy: null, bytes: "same", fields: {} }] },
        { line: 12, kind: "counter", name: "two words", value: 7n },
      ],
    },
    {
      title: "second", line: 14, node: null,
      steps: [{ line: 15, kind: "in", packets: [{ stripped: "", pieces: ["ff"], fields: {} }, { stripped: "", pieces: ["ff"], fields: {} }] }],
    },
  ]);
});

test("a line that goes on, pieces of a chain, captures", () => {
  assert.equal(readable(parse("=== a ===\nin 01 /\n   02\n   / 03")[0]!.steps[0]), {
    line: 2, kind: "in", packets: [{ stripped: "", pieces: ["01", "02", "03"], fields: {} }],
  });
  assert.equal(readable(parse("=== a ===\nin rx 3 pcap x.pcap strip 2\nout continue pcap x.pcap")[0]!.steps), [
    { line: 2, kind: "in", packets: [["0102", "03"], ["0405", "06"]].map(([stripped, piece]) => ({ stripped, pieces: [piece], fields: { rx: 3 } })) },
    { line: 3, kind: "out", packets: ["010203", "040506"].map((bytes) => ({ next: "continue", copy: null, bytes, fields: {} })) },
  ]);
});

test("mistakes: one line with file and line", () => {
  const cases: [string, string][] = [
    ["", "a.test: no test in it: a test begins with === what it shows ==="],
    ["in 00", "a.test:1: a test begins with its title: === what it shows ==="],
    ["=== ===", "a.test:1: a test needs a title: === what it shows ==="],
    ["=== a ===\n\nuot x", 'a.test:3: unknown directive "uot": expected one of node, config, interface, time, in, out, counter'],
    ["=== a ===\nin 4500001", "a.test:2: 7 hex digits, but a byte has two"],
    ["=== a ===\nin 45 0x00", 'a.test:2: "0x00" is not hex'],
    ["=== a ===\nin 45 | 00 | 00", 'a.test:2: "|" stands before the current layer: once'],
    ["=== a ===\nin times 65537 00", "a.test:2: 65537 is more than 65536, the most that a number behind times can be"],
    ["=== a ===\nin times 65536 pcap x", "a.test:2: 131072 packets: one line can stand for 65536 at most"],
    ["=== a ===\nin rx", "a.test:2: the line ends where a number behind rx is expected"],
    ["=== a ===\nin pcap", "a.test:2: the line ends where a file's name is expected"],
    ["=== a ===\nin pcap x strip 4", "a.test:2: x: packet 1 has 3 bytes, fewer than the 4 to strip"],
    ["=== a ===\nin pcap x srtip 4", 'a.test:2: unknown option of pcap "srtip": expected one of strip'],
    ["=== a ===\nout", "a.test:2: the line ends where the next node's name is expected"],
    ["=== a ===\nconfig {]", "a.test:2: not JSON: "],
    ["=== a ===\nconfig", "a.test:2: not JSON: "],
    ["=== a ===\ninterface 256", "a.test:2: 256 is more than 255"],
    ["=== a ===\ninterface 1 ip4 192.0.2.256", 'a.test:2: "192.0.2.256" is not an IPv4 address'],
    ["=== a ===\ninterface 1 ip4 192.0.2", 'a.test:2: "192.0.2" is not an IPv4 address'],
    ["=== a ===\ninterface 1 mac 2:0:0:0:0:1", 'a.test:2: "2:0:0:0:0:1" is not a MAC address'],
    ["=== a ===\ntime soon", 'a.test:2: "soon" is not seconds'],
    ["=== a ===\ntime 1 2", 'a.test:2: "2" is one word too many'],
    ["=== a ===\ncounter 7", "a.test:2: expected a counter's name and its value"],
    ["=== a ===\ncounter denied -1", "a.test:2: expected a counter's name and its value"],
  ];
  for (const [text, message] of cases) {
    assert.throws(() => parse(text), (error: Error) => {
      assert.instance(error, WeftError);
      assert.ok(error.message.startsWith(message), `${JSON.stringify(text)}: ${error.message}`);
      return true;
    });
  }
  const cut = captured([1]);
  cut.packets[0]!.original = 60;
  assert.throws(() => parse("=== a ===\nin pcap x", cut), /x: packet 1 is cut off at 1 of 60 bytes: capture it whole/);
});

test("whatever is in a file: tests or a WeftError", () => {
  const word = fc.constantFrom("===", "in", "out", "node", "config", "interface", "time", "counter", "times", "rx", "pcap", "strip", "same", "copy",
    "\n", "\n ", "#", "|", "/", "00", "4", "{", "}", "65536", "-1", "1e9", "mac", "mtu", "=", "\0", "é");
  fc.assert(fc.property(fc.array(word, { maxLength: 30 }), fc.string(), (words, text) => {
    for (const content of [`=== a ===\n${words.join(" ")}`, words.join(" "), text]) {
      try {
        parse(content);
      } catch (error) {
        if (!(error instanceof WeftError)) throw error;
      }
    }
  }), { numRuns: 500 });
});

test.run();
