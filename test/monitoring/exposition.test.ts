import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { expose, type Metric } from "../../host/control/exposition.js";
import { parse, valueOf } from "./exposition-parser.js";

const PACKETS = "weft_interface_receive_packets_total";

test("a counter and a gauge, byte for byte", () => {
  const metrics: Metric[] = [
    { name: PACKETS, type: "counter", help: "Packets.", samples: [
      { labels: { interface: "host-eth0" }, value: 12 }, { labels: { interface: "rdma-0", queue: "1" }, value: 2 ** 53 },
    ] },
    { name: "weft_worker_up", type: "gauge", help: "One.", samples: [] },
    { name: "weft_packets_held", type: "gauge", help: "Held.", samples: [{ labels: {}, value: 0.5 }] },
  ];
  assert.is(expose(metrics), `# HELP ${PACKETS} Packets.
# TYPE ${PACKETS} counter
${PACKETS}{interface="host-eth0"} 12
${PACKETS}{interface="rdma-0",queue="1"} 9007199254740992
# HELP weft_packets_held Held.
# TYPE weft_packets_held gauge
weft_packets_held 0.5
`);
});

test("what has a meaning in the format is escaped: \\ and line ends everywhere, quotes in labels", () => {
  const text = expose([{ name: PACKETS, type: "counter", help: 'a\\b\n"c"', samples: [{ labels: { reason: 'a\\b\n"c"} 9' }, value: 1 }] }]);
  assert.is(text, `# HELP ${PACKETS} a\\\\b\\n"c"\n# TYPE ${PACKETS} counter\n${PACKETS}{reason="a\\\\b\\n\\"c\\"} 9"} 1\n`);
});

test("values as Go's ParseFloat takes them", () => {
  const numbers: [number, string][] = [[1e21, "1e+21"], [1e-7, "1e-7"], [Infinity, "+Inf"], [-Infinity, "-Inf"], [NaN, "NaN"], [-1.5, "-1.5"]];
  for (const [value, expected] of numbers) {
    assert.is(expose([{ name: "weft_nodes", type: "gauge", help: "h", samples: [{ labels: {}, value }] }]).split("\n")[2], `weft_nodes ${expected}`);
  }
});

test("whatever stands in labels and help is read back", () => {
  const text = fc.oneof(fc.string({ unit: "grapheme" }), fc.string({ unit: fc.constantFrom("\\", "\n", '"', "n", "{", "}", ",", "=", " ", "#") }));
  fc.assert(fc.property(text, fc.uniqueArray(text, { maxLength: 5 }), fc.double({ noNaN: true }), (help, values, value) => {
    const samples = values.map((one) => ({ labels: { a: one, b: "2" }, value }));
    const metric: Metric = { name: "weft_nodes", type: "gauge", help: `x${help}`, samples };
    if (values.length === 0) return assert.is(expose([metric]), "");
    const families = parse(expose([metric]));
    assert.is(families.get("weft_nodes")!.help, `x${help}`);
    for (const one of values) assert.is(valueOf(families, "weft_nodes", { a: one }), value === 0 ? 0 : value);
  }));
});

test.run();
