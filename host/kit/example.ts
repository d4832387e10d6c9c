// The node that `weft node new` writes to begin with, and its tests.

export function exampleSource(name: string): string {
  return `// Counts packets, and IPv4 packets whose time to live is nearly over; passes everything on.

import { count, declareNode, lengthHere, packetAt } from "weft/sdk";
import { IP4_HEADER, timeToLive, version } from "weft/wire/ipv4";

const CONTINUE: u32 = 1; // a slot of "next" below; slot 0 drops

const PACKETS: u32 = 0; // places in "counters" below
const LOW_TTL: u32 = 1;
const NOT_IP4: u32 = 2;

/** Called for each packet; gives the slot of its next node. */
function inspect(node: usize, buffer: usize): u32 {
  const header = packetAt(buffer);
  count(node, PACKETS);
  if (lengthHere(buffer) < IP4_HEADER || version(header) != 4) count(node, NOT_IP4);
  else if (timeToLive(header) < 5) count(node, LOW_TTL);
  return CONTINUE;
}

declareNode({
  name: "${name}",
  packet: "inspect",
  next: ["error-drop", "continue"],
  counters: ["packets", "TTL below 5", "not IPv4"],
});
`;
}

export function exampleTest(name: string): string {
  return `# Tests of nodes/${name}.ts: "weft node test" runs them, "weft node test --help" tells what can be written here.

=== a packet with TTL 64 passes as it came ===
in  4500001c00000000 4011 0000 c0000202 c6336407 0035c00000080000
out continue same
counter packets 1

=== one with TTL 3 passes too, and is counted ===
in  4500001c00000000 0311 0000 c0000202 c6336407 0035c00000080000
out continue same
counter packets 1
counter TTL below 5 1

=== a header cut short is not IPv4 ===
in  times 256 4500001c
out continue times 256
counter packets 256
counter not IPv4 256
`;
}
