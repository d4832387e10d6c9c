// The native peers: compiled from their sources for this very processor, started, asked for rounds of clocks.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Clocks, Greeting } from "./peer.js";

// dist/bench/native.js → the project
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FLAGS = ["-O3", "-march=native"];

/** Compiles the twin; gives the program's path. Throws with the compiler's words. */
export function compileTwin(): string {
  return compile("g++", "twin", "bench/twin/forward.cc", []);
}

/** Compiles the graph of DPDK's nodes; null where DPDK is not there to be compiled with. */
export function compileDpdk(): string | null {
  const flags = spawnSync("pkg-config", ["--cflags", "--libs", "libdpdk"], { encoding: "utf8" });
  return flags.status === 0 ? compile("gcc", "dpdk", "bench/dpdk/graph.c", ["-DALLOW_EXPERIMENTAL_API", ...flags.stdout.trim().split(/\s+/)]) : null;
}

function compile(compiler: string, name: string, source: string, flags: string[]): string {
  const folder = join(ROOT, "build/peers");
  mkdirSync(folder, { recursive: true });
  const program = join(folder, name);
  const done = spawnSync(compiler, [...FLAGS, "-o", program, source, ...flags], { cwd: ROOT, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${source} does not compile: ${done.error?.message ?? done.stderr}`);
  return program;
}

/** A peer at work, on one processor. */
export class Peer {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  /** `words`: program and arguments. */
  constructor(readonly name: string, words: string[], cpu: number) {
    this.child = spawn("taskset", ["-c", String(cpu), ...words], { stdio: ["pipe", "pipe", "inherit"] });
    this.child.stdin!.on("error", () => {}); // it ended early: its output tells
    this.lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  /** What it says when it is ready. */
  greeting(): Promise<Greeting> {
    return this.next();
  }

  /** Median clocks a packet by node, in vectors of `size`. */
  measure(size: number, samples: number): Promise<Clocks> {
    this.child.stdin!.write(`${size} ${samples}\n`);
    return this.next();
  }

  /** Lets it end. */
  close(): void {
    this.child.stdin!.end();
  }

  private async next<T>(): Promise<T> {
    const { done, value } = await this.lines.next();
    if (done) throw new Error(`${this.name} ended: see what it wrote above`);
    return JSON.parse(value) as T;
  }
}
