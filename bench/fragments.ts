// What cutting packets costs, and putting them together: clocks for each fragment, of the node that does it, beside what forwarding such a
// fragment costs as a packet of its own.

import { B_DATA, B_FLAGS, BUFFER_SHIFT, NODE_CLOCKS } from "../assembly/abi.js";
import { table } from "../host/cli/table.js";
import { counting, echo, fragments, ip4 } from "../test/conformance/packet.js";
import { RIGHT, makeRig } from "./rig.js";

const ROUNDS = 2000;
const PACKETS = 16;
const { engine, router } = await makeRig();
const { graph } = engine;
const { u8, u16, u32, f64 } = graph.packets;

/** Sending costs nothing, but the buffers come back. */
for (const port of engine.ports) {
  port.transmit = (frame, n) => {
    for (let i = 0; i < n; i++) graph.release(u32[(frame >> 2) + i]!);
  };
}
router.addRoute("10.0.0.0/8", { via: RIGHT.host });

/** A packet as if it had been received, of at most 2048 bytes; its index. */
function received(bytes: Uint8Array): number {
  const index = graph.allocate();
  const buffer = (index << BUFFER_SHIFT) >>> 0;
  graph.extend(index, bytes.length);
  u8.set(bytes, buffer + u16[(buffer + B_DATA) >> 1]!);
  u16[(buffer + B_FLAGS) >> 1] = 0;
  return index;
}

const node = (name: string) => router["registry"].find(name);
const clocksOf = (name: string): number => f64[(graph.base + node(name).runtime + NODE_CLOCKS) >> 3]!;
const median = (values: number[]): string => values.sort((a, b) => a - b)[values.length >> 1]!.toFixed(0);

/** Clocks of some nodes for each of `fragments` fragments, where these packets enter the graph. */
function measure(enters: string, packets: (round: number) => Uint8Array[], pieces: number, names: string[]): string[] {
  const samples = names.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    const buffers = packets(round).map(received);
    const before = names.map(clocksOf);
    graph.inject(node(enters).index, buffers);
    names.forEach((name, i) => samples[i]!.push((clocksOf(name) - before[i]!) / pieces));
  }
  return samples.map(median);
}

const rows: string[][] = [];
const DATA = counting(7000);
for (const [mtu, size] of [[1500, 2000], [576, 2000], [68, 2000]] as const) {
  router.setInterfaceMtu("host-right", mtu);
  const packet = ip4("192.0.2.2", "10.1.2.3", counting(size - 20), { protocol: 50 });
  const pieces = Math.ceil((size - 20) / ((mtu - 20) & ~7));
  const [own, rewrite] = measure("ip4-lookup", () => Array<Uint8Array>(PACKETS).fill(packet), pieces * PACKETS, ["ip4-fragment", "ip4-rewrite"]);
  rows.push([`cut ${size} bytes to ${mtu}`, String(pieces), own!, rewrite!]);
}
router.setInterfaceMtu("host-right", 1500);
const small = ip4("192.0.2.2", "10.1.2.3", counting(1400), { protocol: 50 });
rows.push(["forward 1,420 bytes", "1", "-", measure("ip4-lookup", () => Array<Uint8Array>(PACKETS).fill(small), PACKETS, ["ip4-rewrite"])[0]!]);
for (const size of [1480, 104]) {
  const make = (round: number): Uint8Array[] => fragments(echo("192.0.2.2", "192.0.2.1", { id: round, data: DATA }), size);
  const [own] = measure("ip4-local", make, make(0).length, ["ip4-reassembly"]);
  rows.push([`join 7,000 bytes from ${size}`, String(make(0).length), own!, "-"]);
}
console.log("Clocks a fragment");
console.log(table(["Work", "Fragments", "ip4-fragment, ip4-reassembly", "ip4-rewrite"], rows));
await router.stop();
