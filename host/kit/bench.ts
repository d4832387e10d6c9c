// What a node costs: TSC clocks per packet for vectors of several sizes, in turns with a node that does nothing.

import { BUFFER_SHIFT, B_DATA, B_LENGTH, FRAME_BUFFERS, FRAME_SIZE, MODULES, MODULE_SIZE, VECTOR } from "../../assembly/abi.js";
import { addon } from "../addon.js";
import { WeftError } from "../errors.js";
import type { NodeDeclaration } from "../graph/manifest.js";
import { defaults, encodeConfig } from "../graph/node-config.js";
import { type VerifiedModule, verify } from "../graph/verify.js";
import { Bed } from "./bed.js";
import { compileText } from "./compile.js";
import type { PacketIn } from "./test-file.js";

const SIZES = [1, 4, 16, 64, 256];
/** ms until V8 has compiled the hot functions for good */
const WARM_UP = 200;
const ROUNDS_MIN = 50;
const IDENTITY = `import { declareNode } from "weft/sdk";
function pass(node: usize, buffer: usize): u32 { return 1; }
declareNode({ name: "pass", packet: "pass", next: ["error-drop", "continue"] });
`;

type Process = (node: number, frame: number, n: number) => void;

/** Clocks per packet. */
export interface Quartiles {
  low: number;
  median: number;
  high: number;
}

export interface Measured {
  /** packets of a vector */
  vector: number;
  rounds: number;
  node: Quartiles;
  /** the node that passes packets on, and nothing else */
  identity: Quartiles;
}

export interface BenchOptions {
  packets: PacketIn[];
  config: unknown;
  /** ms for each size of vectors */
  time: number;
}

/** Measures a node in this thread. Throws BAD_MODULE when it traps, BAD_ARGUMENT for a configuration that it does not take. */
export async function benchNode(module: VerifiedModule, node: NodeDeclaration, options: BenchOptions): Promise<Measured[]> {
  const bed = new Bed();
  const { wasm, diagnostics } = await compileText("identity.ts", IDENTITY, 0);
  if (wasm === null) throw new WeftError("BAD_MODULE", `the node to compare with does not compile: ${diagnostics}`);
  const nothing = verify(wasm, "identity");
  bed.reset(node.state);
  const exported = instantiate(bed, module);
  const process = exported[node.process] as Process;
  const identity = instantiate(bed, nothing)[nothing.nodes[0]!.process] as Process;
  const rounds = new Rounds(bed, options.packets);
  try {
    configure(bed, node, exported, options.config);
    rounds.run(1, [process, identity], WARM_UP);
    return SIZES.map((vector) => {
      const [own, other] = rounds.run(vector, [process, identity], options.time) as [number[], number[]];
      return { vector, rounds: own.length, node: quartiles(own), identity: quartiles(other) };
    });
  } catch (error) {
    if (error instanceof WeftError) throw error;
    throw new WeftError("BAD_MODULE", `node ${node.name} trapped: ${(error as Error).message}`, { cause: error });
  }
}

function instantiate(bed: Bed, module: VerifiedModule): WebAssembly.Exports {
  const base = new WebAssembly.Global({ value: "i32", mutable: false }, MODULES + (module.region ?? 1) * MODULE_SIZE);
  const weft = { now: () => performance.now() * 1e6, log: () => {} };
  return new WebAssembly.Instance(module.module, { env: { memory: bed.packets.memory, __memory_base: base }, weft }).exports;
}

/** The same packets again and again, each time as they were at first. */
class Rounds {
  private readonly first: { at: number; bytes: Uint8Array }[];

  constructor(private readonly bed: Bed, packets: PacketIn[]) {
    const { u16, u8 } = bed.packets;
    const many = Array.from({ length: VECTOR }, (_, i) => packets[i % packets.length]!);
    if (bed.fill(many) < VECTOR) throw new WeftError("BAD_ARGUMENT", `packets too long to have ${VECTOR} of them in the packet memory`);
    this.first = many.map((_, i) => {
      const at = bed.bufferAt(i);
      return { at, bytes: u8.slice(at, at + u16[(at + B_DATA) >> 1]! + u16[(at + B_LENGTH) >> 1]!) };
    });
  }

  /** Has each of some nodes process all packets, in turns; gives the clocks per packet of each, round by round. */
  run(vector: number, nodes: Process[], time: number): number[][] {
    const clocks: number[][] = nodes.map(() => []);
    const frames = this.frames(vector);
    const end = performance.now() + time;
    do {
      for (const [k, process] of nodes.entries()) {
        this.restore();
        addon.lap();
        for (const frame of frames) process(this.bed.node, frame, vector);
        clocks[k]!.push(addon.lap() / VECTOR); // asking for the time costs a fifth of a clock per packet
      }
    } while (performance.now() < end || clocks[0]!.length < ROUNDS_MIN);
    return clocks;
  }

  /** Deals the packets out to frames of `vector` packets each. */
  private frames(vector: number): number[] {
    const { u32 } = this.bed.packets;
    const frames = Array.from({ length: VECTOR / vector }, (_, k) => this.bed.frame + k * FRAME_SIZE);
    this.first.forEach(({ at }, i) => {
      u32[(frames[Math.floor(i / vector)]! + FRAME_BUFFERS) / 4 + (i % vector)] = at >>> BUFFER_SHIFT;
    });
    return frames;
  }

  private restore(): void {
    const { u8 } = this.bed.packets;
    for (const { at, bytes } of this.first) u8.set(bytes, at);
  }
}

function configure(bed: Bed, node: NodeDeclaration, exported: WebAssembly.Exports, value: unknown): void {
  const interfaces: string[] = []; // by whatever names, the first of them is the one that packets come by
  const interfaceIndex = (name: string): number => (interfaces.includes(name) ? interfaces.indexOf(name) : interfaces.push(name) - 1) + 1;
  if (node.config !== null) bed.setConfig(encodeConfig(node.config, value ?? defaults(node.config), { interfaceIndex }));
  else if (value !== undefined) throw new WeftError("BAD_ARGUMENT", `node ${node.name} takes no configuration`);
  if (node.configure === null) return;
  const answer = (exported[node.configure] as (node: number) => number)(bed.node);
  if (answer !== 0) throw new WeftError("BAD_ARGUMENT", `node ${node.name} refuses its configuration: ${answer}`);
}

function quartiles(clocks: number[]): Quartiles {
  const sorted = [...clocks].sort((a, b) => a - b);
  const at = (part: number): number => sorted[Math.floor((sorted.length - 1) * part)]!;
  return { low: at(0.25), median: at(0.5), high: at(0.75) };
}

/** Packets to measure with where nothing else is known: IPv4 UDP of 46 bytes behind Ethernet headers, from many hosts to many. */
export function samplePackets(): PacketIn[] {
  return Array.from({ length: VECTOR }, (_, i) => {
    const ethernet = Uint8Array.of(2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0);
    const packet = new Uint8Array(46);
    packet.set([0x45, 0, 0, 46, 0, i, 0, 0, 64, 17, 0, 0, 10, 0, i >> 4, i, 198, 51, 100, i, 0x40 + (i >> 6), i, 0, 53, 0, 26]);
    new DataView(packet.buffer).setUint16(10, headerChecksum(packet));
    return { stripped: ethernet, pieces: [packet], fields: {} };
  });
}

/** RFC 1071, over a header of 20 bytes whose checksum is 0. */
function headerChecksum(packet: Uint8Array): number {
  const view = new DataView(packet.buffer);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum ^ 0xffff;
}
