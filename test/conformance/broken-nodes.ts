// weft with a node in its graph that is wrong in one thing: a custom node as anybody can load one (README, "Write a node").

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { scratch } from "../e2e/weft.js";

interface BrokenNode {
  /** body of packet(bytes): changes the IPv4 packet behind ip4-input, gives 0 to drop it and 1 to go on */
  body: string;
  /** the group that it is shown to */
  group: string;
}

const RESUM = `
  const size = (bytes[0] & 15) * 4;
  let sum = 0;
  bytes[10] = bytes[11] = 0;
  for (let i = 0; i < size; i += 2) sum += bytes[i] << 8 | bytes[i + 1];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  sum ^= 0xffff;
  bytes[10] = sum >> 8;
  bytes[11] = sum & 255;
  return 1;`;

export const BROKEN_NODES: Record<string, BrokenNode> = {
  "node-ttl": { body: `if (bytes[8] < 255) bytes[8]++;${RESUM}`, group: "ttl" },
  "node-tos": { body: `bytes[1] = 0;${RESUM}`, group: "header" },
  "node-checksum": { body: "bytes[11] ^= 1; return 1;", group: "header" },
  "node-low-ttl-lost": { body: "return bytes[8] < 3 ? 0 : 1;", group: "ttl" },
};

/** Commands that load it. */
export function loadBrokenNode(name: string): string[] {
  const file = join(scratch(), "broken.mjs");
  const body = BROKEN_NODES[name]!.body;
  writeFileSync(file, `export const nodes = [{ name: "broken", next: ["error-drop", "continue"], counters: [], packet({ bytes }) { ${body} } }];\n`);
  return [`node load ${file} as broken`, "node insert broken after ip4-input"];
}
