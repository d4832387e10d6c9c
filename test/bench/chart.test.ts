// The charts: well-formed, nothing outside of the picture, bars as high as they say.

import { spawnSync } from "node:child_process";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { chart } from "../../bench/chart.js";
import { spread, type WorkloadReport } from "../../bench/report.js";

const VECTORS = [1, 4, 16, 64, 256];
const NODES: [name: string, clocks: number[]][] = [
  ["ethernet-input", [150, 45, 16, 9, 7]], ["ip4-input", [168, 53, 24, 17, 14]], ["a <new> & \"odd\" one", [175, 51, 19, 12, 9.5]],
];
const REPORT: WorkloadReport = {
  name: "forward", title: "a < b & \"c\" > d", cold: false, fused: true,
  nodes: NODES.map(([name, clocks]) => ({ name, clocks: clocks.map((value) => spread([value])) })),
  sum: VECTORS.map((_, column) => {
    const whole = NODES.reduce((total, [, clocks]) => total + clocks[column]!, 0);
    return spread([whole - 2, whole, whole + 2]);
  }),
};
const SVG = chart(REPORT, VECTORS, "A & B, 2 CPUs", [{ name: "native <one>", clocks: [100, 60, 40, 38, 20] }]);

/** The numbers in the attributes of all elements of a kind. */
function elements(svg: string, kind: string): Record<string, number>[] {
  const tags = [...svg.matchAll(new RegExp(`<${kind} ([^>]*)>`, "g"))].map(([, attributes]) => attributes!);
  return tags.map((tag) => Object.fromEntries([...tag.matchAll(/([\w-]+)="(-?[\d.]+)"/g)].map(([, name, value]) => [name!, Number(value)])));
}

test("an XML parser reads it, and finds the words as they were", () => {
  const program = "import sys, xml.etree.ElementTree as e; print('\\n'.join(t for t in e.fromstring(sys.stdin.read()).itertext()))";
  const { status, stdout, stderr } = spawnSync("python3", ["-c", program], { input: SVG, encoding: "utf8" });
  assert.is(status, 0, stderr);
  for (const words of ["a < b & \"c\" > d", "a <new> & \"odd\" one", "native <one>", "forward"]) assert.ok(stdout.split("\n").includes(words), words);
});

test("nothing lies outside of the picture", () => {
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(SVG)!.map(Number) as [number, number, number];
  const dots = elements(SVG, "circle").map(({ cx, cy }): Record<string, number> => ({ x: cx!, y: cy! }));
  const places = [...elements(SVG, "rect"), ...elements(SVG, "text"), ...dots];
  assert.ok(places.length > 40, `${places.length} elements`);
  for (const { x, y, width: w = 0, height: h = 0 } of places) {
    assert.ok(x! >= 0 && x! + w <= width && y! >= 0 && y! + h <= height, `${x} ${y} ${w} ${h}`);
  }
});

test("parts of bars are as high as their clocks, one on the other", () => {
  const bars = elements(SVG, "rect").filter(({ rx }) => rx === undefined);
  const shown = VECTORS.flatMap((size, column) => (size >= 16 ? NODES.map(([, clocks]) => clocks[column]!) : []));
  assert.is(bars.length, shown.length);
  const pixel = bars[0]!["height"]! / shown[0]!;
  for (const [i, { height }] of bars.entries()) assert.ok(Math.abs(height! - pixel * shown[i]!) < 0.5, `${height} for ${shown[i]} clocks`);
  for (let i = 1; i < bars.length; i++) {
    if (bars[i]!["x"] === bars[i - 1]!["x"]) assert.ok(Math.abs(bars[i]!["y"]! + bars[i]!["height"]! - bars[i - 1]!["y"]!) < 0.2);
  }
});

test.run();
