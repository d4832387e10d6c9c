// Runs the tests of a node: its packets in, vector by vector, and what came of them compared with what was expected.

import { MODULES, MODULE_SIZE, VECTOR } from "../../assembly/abi.js";
import { WeftError } from "../errors.js";
import type { NodeDeclaration } from "../graph/manifest.js";
import { type EncodedConfig, defaults, encodeConfig } from "../graph/node-config.js";
import type { VerifiedModule } from "../graph/verify.js";
import { suggestion } from "../nearest.js";
import { Bed, type PacketLeft } from "./bed.js";
import { NodeFailure, NodeThread } from "./node-thread.js";
import { FIELD_NAMES, type NodeTest, type PacketIn, type PacketOut, type Step, joined } from "./test-file.js";

/** ms that a call of the node may take */
const TIME_LIMIT = 2000;
/** more packets than that are not sent one by one as well */
const ONE_BY_ONE_MAX = 4096;

export interface Failure {
  /** of the test file */
  line: number;
  what: string;
  /** null: there is nothing to compare */
  expected: string | Uint8Array | null;
  got: string | Uint8Array | null;
}

export interface TestResult {
  title: string;
  line: number;
  failures: Failure[];
  /** what the node logged */
  log: string[];
}

/** Runs tests one after the other, each with a node that was just loaded. Throws only what weft itself gets wrong. */
export async function runTests(module: VerifiedModule, tests: NodeTest[], limit = TIME_LIMIT): Promise<TestResult[]> {
  const bed = new Bed();
  const results: TestResult[] = [];
  for (const test of tests) {
    const whole = await runTest(bed, module, test, VECTOR, limit);
    results.push(whole);
    const packets = test.steps.reduce((sum, step) => sum + (step.kind === "in" ? step.packets.length : 0), 0);
    if (whole.failures.length > 0 || packets < 2 || packets > ONE_BY_ONE_MAX) continue;
    // Where packets are cut into vectors is chance: a node must do the same with them one by one.
    const single = await runTest(bed, module, test, 1, limit);
    if (single.failures.length > 0) results[results.length - 1] = { ...single, title: `${test.title} (packets one by one)` };
  }
  return results;
}

async function runTest(bed: Bed, module: VerifiedModule, test: NodeTest, size: number, limit: number): Promise<TestResult> {
  const base = MODULES + (module.region ?? 1) * MODULE_SIZE;
  const thread = new NodeThread({ memory: bed.packets.memory, module: module.module, base }, limit);
  const result: TestResult = { title: test.title, line: test.line, failures: [], log: thread.log };
  const run = new Run(bed, test, thread, size, result.failures);
  try {
    await run.all(module.nodes);
  } catch (error) {
    if (!(error instanceof NodeFailure) && !(error instanceof WeftError)) throw error;
    result.failures.push({ line: run.line, what: error.message, expected: null, got: null });
  } finally {
    await thread.close();
  }
  return result;
}

class Run {
  /** of the step that runs */
  line: number;
  private node!: NodeDeclaration;
  private readonly names = new Map<string, number>();
  private counters: string[] = [];
  private readonly compared = new Set<string>();
  private waiting: PacketIn[] = [];
  private readonly left: { packet: PacketIn; number: number; left: PacketLeft }[] = [];
  private packets = 0;
  private configured = false;
  private time = 0;

  constructor(
    private readonly bed: Bed, private readonly test: NodeTest, private readonly thread: NodeThread, private readonly size: number,
    private readonly failures: Failure[],
  ) {
    this.line = test.line;
  }

  async all(nodes: NodeDeclaration[]): Promise<void> {
    const node = nodes.find(({ name }) => this.test.node === null || name === this.test.node);
    if (node === undefined) {
      const names = nodes.map(({ name }) => name);
      throw new WeftError("NOT_FOUND", `the module has no node ${JSON.stringify(this.test.node)}${suggestion(this.test.node!, names)}`);
    }
    this.node = node;
    this.counters = [...node.counters, ...node.gauges];
    this.bed.reset(node.state);
    for (const step of this.test.steps) {
      if (step.kind !== "in") await this.send();
      this.line = step.line;
      await this.step(step);
    }
    await this.send();
    this.line = this.test.line;
    this.end();
  }

  private async step(step: Step): Promise<void> {
    switch (step.kind) {
      case "in": this.waiting.push(...step.packets); break;
      case "out": step.packets.forEach((packet) => this.compare(packet)); break;
      case "time": this.time = step.ns; break;
      case "config": await this.configure(step.value); break;
      case "interface":
        this.bed.setInterface(step.index, step);
        if (step.name !== null) this.names.set(step.name, step.index);
        break;
      case "counter": this.compareCounter(step.name, step.value); break;
    }
  }

  /** Has the node process what waits, vector by vector. */
  private async send(): Promise<void> {
    if (this.waiting.length > 0 && !this.configured) await this.configure(undefined);
    while (this.waiting.length > 0) {
      const n = this.bed.fill(this.waiting.slice(0, this.size));
      if (n === 0) throw new WeftError("BAD_ARGUMENT", "a packet too long for the packet memory");
      await this.thread.call(this.node.process, [this.bed.node, this.bed.frame, n], this.time);
      const broken = this.bed.brokenFrame();
      if (broken !== null) this.fail(broken);
      const packets = this.waiting.splice(0, n);
      for (const [i, left] of this.bed.left().entries()) {
        const number = ++this.packets;
        if (left.broken !== null) this.fail(`packet ${number}: ${left.broken}`);
        this.left.push({ packet: packets[i]!, number, left });
      }
    }
  }

  private async configure(value: unknown): Promise<void> {
    this.configured = true;
    const { config, configure } = this.node;
    if (config !== null) this.bed.setConfig(this.encoded(value));
    else if (value !== undefined) throw new WeftError("BAD_ARGUMENT", `node ${this.node.name} takes no configuration`);
    if (configure === null) return;
    const answer = await this.thread.call(configure, [this.bed.node], this.time);
    if (answer !== 0) this.fail(`the node refuses its configuration: ${answer}`);
  }

  private encoded(value: unknown): EncodedConfig {
    const interfaceIndex = (name: string): number => {
      const index = this.names.get(name);
      if (index === undefined) throw new WeftError("NOT_FOUND", `no line of this test makes an interface of the name ${JSON.stringify(name)}`);
      return index;
    };
    return encodeConfig(this.node.config!, value ?? defaults(this.node.config!), { interfaceIndex });
  }

  private compare(expected: PacketOut): void {
    const slots = [expected.next, ...(expected.copy === null ? [] : [expected.copy])];
    const unknown = slots.find((name) => !this.node.next.includes(name));
    if (unknown !== undefined) {
      throw new WeftError("BAD_ARGUMENT", `node ${this.node.name} has no next node ${JSON.stringify(unknown)}${suggestion(unknown, this.node.next)}`);
    }
    const one = this.left.shift();
    if (one === undefined) return this.fail(`no packet is left for this line: ${this.packets} came in`);
    const { left, packet, number } = one;
    const got = `${this.nextName(left.slot)}${left.copy === 0 ? "" : ` copy ${this.nextName(left.copy)}`}`;
    const wanted = slots.join(" copy ");
    if (got !== wanted) this.fail(`packet ${number}: next node`, wanted, got);
    for (const name of FIELD_NAMES) {
      const value = expected.fields[name];
      if (value !== undefined && value !== left.fields[name]) this.fail(`packet ${number}: ${name}`, String(value), String(left.fields[name]));
    }
    const bytes = expected.bytes === "same" ? joined(packet.pieces) : expected.bytes;
    if (bytes !== null && left.bytes !== null && Buffer.compare(bytes, left.bytes) !== 0) this.fail(`packet ${number}: bytes`, bytes, left.bytes);
  }

  private nextName(slot: number): string {
    return this.node.next[slot] ?? `slot ${slot}, which is not declared`;
  }

  private compareCounter(name: string, value: bigint): void {
    const index = this.counters.indexOf(name);
    if (index < 0) {
      throw new WeftError("BAD_ARGUMENT", `node ${this.node.name} has no counter ${JSON.stringify(name)}${suggestion(name, this.counters)}`);
    }
    this.compared.add(name);
    const got = this.bed.counter(index);
    if (got !== value) this.fail(`counter ${JSON.stringify(name)}`, String(value), String(got));
  }

  /** What a test does not mention must not have happened, if it mentions anything of its kind. */
  private end(): void {
    const outs = this.test.steps.some(({ kind }) => kind === "out");
    if (outs && this.left.length > 0) this.fail(`${this.packets} packets came in, the last ${this.left.length} have no "out" line`);
    if (this.compared.size === 0) return;
    for (const [index, name] of this.counters.entries()) {
      const got = this.bed.counter(index);
      if (!this.compared.has(name) && got !== 0n) this.fail(`counter ${JSON.stringify(name)}, not mentioned`, "0", String(got));
    }
  }

  private fail(what: string, expected: string | Uint8Array | null = null, got: string | Uint8Array | null = null): void {
    this.failures.push({ line: this.line, what, expected, got });
  }
}
