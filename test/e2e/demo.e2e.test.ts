// The demos as a user starts them: what they print, how they end, and that nothing is left of them.

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chownSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { ended, must, run } from "../../host/lab/command.js";
import { lastCpu } from "../../host/lab/cpu.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { scratch, until } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

// dist/test/e2e/ → the program as package.json's "bin" names it
const PROGRAM = fileURLToPath(new URL("../../../host/setup/weft.mjs", import.meta.url));
const NOBODY = 65534;
const AS_NOBODY = ["setpriv", "--reuid", String(NOBODY), "--regid", String(NOBODY), "--clear-groups", "--"];

interface Demo {
  child: ChildProcess;
  output: { stdout: string; stderr: string };
  ended: Promise<number>;
  /** the processes of this demo: all inherit a mark in their environment */
  processes(): string[];
}

/** Starts a demo outside of the private network that this test is in already, as from a shell. */
function startDemo(argv: string[], prefix: string[] = [], environment: NodeJS.ProcessEnv = {}): Demo {
  const mark = `WEFT_TEST_MARK=${randomUUID()}`;
  const [name, value] = mark.split("=") as [string, string];
  const words = [...prefix, process.execPath, PROGRAM, "demo", ...argv];
  const env = { ...process.env, WEFT_OUTER_NETWORK: undefined, ...environment, [name]: value };
  const child = spawn(words[0]!, words.slice(1), { stdio: ["ignore", "pipe", "pipe"], env });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) child[stream].setEncoding("utf8").on("data", (text: string) => (output[stream] += text));
  return { child, output, ended: ended(child), processes: () => marked(mark) };
}

/** What a process or thread tells of itself; nothing when it has ended meanwhile. */
function told<T>(read: () => T[]): T[] {
  try {
    return read();
  } catch {
    return [];
  }
}

function marked(mark: string): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => told(() => [readFileSync(`/proc/${pid}/environ`, "latin1")]).some((environment) => environment.includes(mark)));
}

/** The CPUs that each thread of a process may use. */
function allowedCpus(pid: string): string[] {
  const threads = told(() => readdirSync(`/proc/${pid}/task`));
  return threads.flatMap((thread) =>
    told(() => [/^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8"))![1]!]));
}

/** Network devices and control sockets are all that could be left of a demo whose processes are gone. */
async function traces(): Promise<string> {
  return must(null, "ip", ["-br", "link"]);
}

async function untouched(run: () => Promise<void>): Promise<void> {
  const before = await traces();
  await run();
  assert.is(await traces(), before);
}

interface DemoResult {
  ok: boolean;
  failures: string[];
  kernelToRouter: { sent: number; received: number };
  routerToKernel: { sent: number; received: number };
  balance: { difference: number };
}

/** Fails unless the whole output is the one JSON object of a demo that went well. */
function wentWell(stdout: string): void {
  assert.is(stdout.trim().split("\n").length, 1);
  const result = JSON.parse(stdout) as DemoResult;
  assert.equal([result.ok, result.failures], [true, []]);
  for (const { sent, received } of [result.kernelToRouter, result.routerToKernel]) assert.equal([sent, received], [5, 5]);
  assert.is(result.balance.difference, 0);
}

test("demo ping --json prints one JSON object and nothing else", () =>
  untouched(async () => {
    const demo = startDemo(["ping", "--json"]);
    assert.is(await demo.ended, 0, demo.output.stderr);
    wentWell(demo.output.stdout);
    await until("nothing is left", () => demo.processes().length === 0);
  }));

test("demo ping tells people what it does", () =>
  untouched(async () => {
    const demo = startDemo(["ping"]);
    assert.is(await demo.ended, 0, demo.output.stderr);
    for (const text of ["weft# create interface rdma host-if weft0 name rdma-0\nrdma-0 (mode ", "rdma-input", "reply 5 in", "icmp4-input", "5 of 5 echo requests answered"]) {
      assert.match(demo.output.stdout, text);
    }
    assert.not.match(demo.output.stdout, "FAIL");
    await until("nothing is left", () => demo.processes().length === 0);
  }));

test("demo ping on packet sockets", () =>
  untouched(async () => {
    const demo = startDemo(["ping", "--port", "af_packet", "--json"]);
    assert.is(await demo.ended, 0, demo.output.stderr);
    wentWell(demo.output.stdout);
  }));

for (const [port, message, expected] of [
  ["rdmma", 'bad value "rdmma" of --port: expected emulated, af_packet or rdma:eth0', 2],
  ["rdma:", 'bad value "rdma:"', 2],
  ["rdma:nothing0", "nothing0 is no rdma port", 1],
] as const) {
  test(`demo ping --port ${port}`, async () => {
    const demo = startDemo(["ping", "--port", port]);
    assert.is(await demo.ended, expected);
    assert.equal([demo.output.stdout, demo.output.stderr.startsWith(`weft: ${message}`)], ["", true], demo.output.stderr);
  });
}

for (const [signal, expected] of [["SIGKILL", 128 + 9], ["SIGINT", 130], ["SIGTERM", 143]] as const) {
  test(`${signal} in the middle of a demo ends it with ${expected}, and nothing is left`, () =>
    untouched(async () => {
      const demo = startDemo(["forward"]);
      // far in: hosts, links and iperf3 are there
      await until("iperf3 runs", () => demo.child.exitCode !== null || demo.output.stdout.includes("Mbit/s"), 90_000);
      assert.is(demo.child.exitCode, null, demo.output.stderr);
      assert.ok(demo.processes().length >= 5, "the demo, its namespaces' holders and iperf3");
      demo.child.kill(signal);
      assert.is(await demo.ended, expected, demo.output.stderr);
      await until("nothing is left", () => demo.processes().length === 0);
    }));
}

(availableParallelism() > 1 ? test : test.skip)("demo forward's router has a CPU of its own, and nobody else is bound to one", async () => {
  const demo = startDemo(["forward"]);
  try {
    const bound = (): string[] => demo.processes().flatMap(allowedCpus).filter((cpus) => /^\d+$/.test(cpus));
    await until("the router's thread is bound", () => demo.child.exitCode !== null || bound().length > 0);
    assert.equal(bound(), [String(lastCpu())], demo.output.stderr);
  } finally {
    demo.child.kill("SIGTERM");
    await demo.ended;
  }
});

// We are root and can be somebody else (in a user namespace there is nobody else), an ordinary user may make namespaces, and Node and the
// project are readable for everybody.
const unprivileged = await run(null, AS_NOBODY[0]!, [...AS_NOBODY.slice(1), "unshare", "--user", "--net", "--", process.execPath, "--check", PROGRAM])
  .then(({ status: ended }) => ended === 0, () => false);

(unprivileged ? test : test.skip)("demo ping without root", async () => {
  const home = join(scratch(), "home");
  await untouched(async () => {
    mkdirSync(home);
    chownSync(home, NOBODY, NOBODY);
    const demo = startDemo(["ping", "--json"], AS_NOBODY, { HOME: home, USER: "nobody" });
    assert.is(await demo.ended, 0, demo.output.stderr);
    wentWell(demo.output.stdout);
    await until("nothing is left", () => demo.processes().length === 0);
    assert.equal(readdirSync(home), []);
  });
});

test.run();
