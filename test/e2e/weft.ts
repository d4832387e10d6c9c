// A router as a user has it: `weft run SCRIPT --socket PATH` in a process of its own, commands through its control socket.

import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import type { Balance, BufferInfo, ErrorCounter, InterfaceInfo, RuntimeInfo } from "../../host/control/api.js";
import { ctl } from "../../host/cli/ctl.js";
import type { Router } from "../../host/control/router.js";
import type { Host } from "../../host/lab/host.js";
import { type CommandResult, type Running, ended, run, start } from "../../host/lab/command.js";

/** The program, as Node runs it. */
export const LAUNCH = fileURLToPath(new URL("./launch.js", import.meta.url));

/** Waits for a condition; it is an error when it does not come within `timeout` ms. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeout = 30_000): Promise<void> {
  for (const end = Date.now() + timeout; Date.now() < end; await sleep(20)) if (await condition()) return;
  assert.unreachable(`not within ${timeout / 1000} s: ${what}`);
}

/** Runs something while the ticks of a router in this process stand still: it looks after no device, and gives no neighbour up. */
export async function withoutTicks(router: Router, run: () => Promise<unknown>): Promise<void> {
  clearInterval(router["timer"]);
  try {
    await run();
  } finally {
    router["timer"] = setInterval(() => router["tick"](), 1000);
  }
}

const folders: string[] = [];
process.once("exit", () => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A new folder that goes with this process. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "weft-e2e-"));
  folders.push(folder);
  return folder;
}

/** Runs `weft ARGV…` to its end. */
export function weft(...argv: string[]): Promise<CommandResult> {
  return run(null, process.execPath, [LAUNCH, ...argv]);
}

export class Weft {
  /** all that it has told the operator */
  notices = "";
  readonly socket: string;
  readonly #process: Running;
  readonly #ended: Promise<number>;

  private constructor(program: string[], script: string[], options: string[]) {
    const folder = scratch();
    this.socket = join(folder, "weft.sock");
    const file = join(folder, "start-up");
    writeFileSync(file, script.join("\n"));
    this.#process = start(null, process.execPath, [...program, "run", file, "--socket", this.socket, ...options]);
    this.#process.stdout.resume();
    this.#process.stderr.setEncoding("utf8").on("data", (text: string) => (this.notices += text));
    this.#ended = ended(this.#process);
  }

  /** Starts a router with these commands as its start-up script; it is ready then. */
  static start(script: string[], ...options: string[]): Promise<Weft> {
    return Weft.startWith([LAUNCH], script, ...options);
  }

  /** The same by another program (Node's arguments) that does as weft's own. */
  static async startWith(program: string[], script: string[], ...options: string[]): Promise<Weft> {
    const weft = new Weft(program, script, options);
    await until("weft: ready", () => {
      if (weft.#process.exitCode !== null) assert.unreachable(`weft ended: ${weft.notices}`);
      return weft.notices.includes("weft: ready");
    });
    return weft;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  /** Runs a command, whatever its end. */
  async try(command: string, ...options: string[]): Promise<CommandResult> {
    const result = { status: 0, stdout: "", stderr: "" };
    const output = { out: (text: string) => void (result.stdout += text), error: (text: string) => void (result.stderr += text) };
    result.status = await ctl(["--socket", this.socket, ...options, command], output);
    return result;
  }

  /** Runs a command that must succeed; gives its output. */
  async ctl(command: string): Promise<string> {
    const { status, stdout, stderr } = await this.try(command);
    assert.is(status, 0, `"${command}": ${stderr || stdout}`);
    return stdout;
  }

  /** What `show …` tells, in the shapes of control/api.ts. */
  async show<T>(what: string): Promise<T> {
    return JSON.parse(await this.ctl(`show ${what} --json`)) as T;
  }

  async interface(name: string): Promise<InterfaceInfo> {
    return (await this.show<InterfaceInfo[]>(`interface ${name}`))[0]!;
  }

  /** How often a node counted a reason; 0 when it never did. */
  async errors(node: string, reason: RegExp): Promise<number> {
    const all = await this.show<ErrorCounter[]>("errors");
    return all.filter((one) => one.node === node && reason.test(one.reason)).reduce((sum, { count }) => sum + count, 0);
  }

  /** Packets that a node has seen. */
  async vectors(node: string): Promise<number> {
    const { workers } = await this.show<RuntimeInfo>("runtime");
    return workers[0]!.nodes.find(({ name }) => name === node)!.vectors;
  }

  fileDescriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Waits until every packet has come to its end and every buffer is back, those too that waited for a dead neighbour. */
  async atRest(): Promise<Balance> {
    let balance: Balance | undefined;
    let buffers: BufferInfo | undefined;
    const rested = async (): Promise<boolean> => {
      [balance, buffers] = [await this.show<Balance>("balance"), await this.show<BufferInfo>("buffers")];
      return balance.difference === 0 && buffers.free + buffers.posted + buffers.pending === buffers.total;
    };
    await until(`rest, ${this.notices}`, rested).catch((error: Error) => assert.unreachable(`${error.message} ${JSON.stringify({ balance, buffers })}`));
    for (const { node, reason, count } of await this.show<ErrorCounter[]>("errors")) {
      assert.not.match(reason, /trap|does not exist/, `${node}: ${count} × ${reason}`);
    }
    return balance!;
  }

  /** Reads no more of what it tells the operator. */
  deafen(): void {
    this.#process.stderr.destroy();
  }

  /** Ends the router as an operator does, once nothing is under way any more; nothing may be left. */
  async stop(): Promise<Balance> {
    const balance = await this.atRest();
    assert.is(await this.end("SIGTERM"), 0, this.notices);
    return balance;
  }

  /** Ends the router by a signal; gives its exit status. */
  async end(signal: NodeJS.Signals): Promise<number> {
    this.#process.kill(signal);
    const status = await this.#ended;
    assert.is(existsSync(this.socket), false, "the socket is gone");
    return status;
  }

  /** After a failed test; does nothing to a router that has ended. */
  kill(): void {
    this.#process.kill("SIGKILL");
  }
}

/** Runs a test with a router; at its end the router stops with nothing missing. The hosts are closed in any case, and nobody is left in them. */
export async function routed(hosts: Host[], weft: Weft, run: () => Promise<void>): Promise<void> {
  const namespaces = hosts.map((host) => readlinkSync(host.namespace));
  try {
    await run();
    await weft.stop();
  } finally {
    weft.kill();
    for (const host of hosts) await host.close();
  }
  assert.equal(inside(namespaces), [], "processes left in the hosts");
  assert.is(existsSync(`/proc/${weft.pid}`), false, "the router's process is gone");
}

/** pids whose network namespace is one of these. */
function inside(namespaces: string[]): string[] {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && namespaces.includes(readlinkSync(`/proc/${pid}/ns/net`));
    } catch {
      return false; // ended meanwhile
    }
  });
}
