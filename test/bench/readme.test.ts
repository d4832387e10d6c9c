// The figures in the README: between the marks and nowhere else, a row for each node, a picture for each workload.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { writeFigures } from "../../bench/readme.js";
import { type Report, spread, type WorkloadReport } from "../../bench/report.js";

const workload = (name: string, nodes: [string, number, number][], cold = false): WorkloadReport => ({
  name, title: "what it is", cold, fused: true,
  nodes: nodes.map(([node, ...clocks]) => ({ name: node, clocks: clocks.map((value) => spread([value])) })),
  sum: [0, 1].map((column) => spread([nodes.reduce((sum, node) => sum + (node[column + 1] as number), 0)])),
});
const REPORT: Report = {
  machine: "A processor", node: "v20.0.0", vectors: [1, 256],
  workloads: [workload("forward", [["a", 10, 1.5], ["b", 20, 2]]), workload("echo", [["b", 30, 4]]), workload("forward", [["a", 99, 99]], true)],
};
const PEERS = { targets: [{ name: "x / y", value: 1.234, q1: 1.2, q3: 1.3 }], machine: "A processor", vectors: [1, 256], clocks: {} };
const EXPECTED = `before
<!-- figures: npm run bench:charts -->
Measured on A processor, Node 20.0.0: clocks a packet, medians.

| node, vectors of 256 | forward | echo |
|---|--:|--:|
| a | 1.5 |  |
| b | 2.0 | 4.0 |
| **all, vectors of 256** | 3.5 | 4.0 |
| **all, vectors of 1** | 30.0 | 30.0 |

| vectors of 256 | ratio | quartiles |
|---|--:|--:|
| x / y | 1.23 | 1.20–1.30 |

Ratios of turns on one processor of A processor.

![forward: what it is](charts/forward.svg)

![echo: what it is](charts/echo.svg)
<!-- end of figures -->
after
`;

test("figures take the place of older ones, and of nothing else", () => {
  const folder = mkdtempSync(join(tmpdir(), "weft-test-"));
  try {
    const file = join(folder, "README.md");
    writeFileSync(file, "before\n<!-- figures: npm run bench:charts -->\nold\n<!-- end of figures -->\nafter\n");
    for (let time = 0; time < 2; time++) {
      writeFigures(file, REPORT, PEERS, "charts");
      assert.is(readFileSync(file, "utf8"), EXPECTED);
    }
    writeFileSync(file, "<!-- end of figures -->\n<!-- figures: npm run bench:charts -->\n");
    assert.throws(() => writeFigures(file, REPORT, PEERS, "charts"), /has no place for figures/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.run();
