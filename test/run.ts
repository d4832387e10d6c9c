// Runs the tests: every file in a process of its own with its own network and mounts, as many at a time as two cores have room for.
//
//   node dist/test/run.js [NAME…]      only files whose path contains one of the names

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DIE_WITH_PARENT } from "../host/lab/command.js";
import { enterPrivateNetwork } from "../host/lab/private-network.js";

/** ms until a file's process group is killed */
const TIME_LIMIT = 300_000;
/** How many cores' worth of files run at a time: two, and a half more, for no file takes its share all the time. */
const ROOM = 2.5;
const AT_ONCE = 5;
/**
 * The files that take longest, in the order in which they are started, and how much of a core each takes: those that mostly wait leave room
 * for others. All other files take a core, and come after these.
 */
const LONGEST: Record<string, number> = {
  "soak/abuse.e2e": 1, "e2e/faults.e2e": 0.5, "e2e/nat44.e2e": 0.5, "e2e/forward.e2e": 0.5, "e2e/hostile-nodes.e2e": 0.25, "e2e/rdma.e2e": 0.5,
  "e2e/routes.e2e": 0.25, native: 1, "e2e/hostile-scribbles.e2e": 0.25, "e2e/rdma-cli.e2e": 0.5, "e2e/vxlan.e2e": 0.5, "e2e/hostile-hangs.e2e": 0.5,
  "e2e/demo.e2e": 0.5, "native-traffic": 1, "e2e/rdma-port.e2e": 0.5, "graph/untrusted-watchdog": 0.25, "e2e/pcap-trace.e2e": 0.5,
  "monitoring/prometheus": 0.25, "e2e/testpmd.e2e": 1, "e2e/cli.e2e": 1, "e2e/examples.e2e": 0.5, "e2e/readme.e2e": 0.5, "e2e/prompt.e2e": 0.5,
  "graph/mutated-frames": 1, "kit/newcomer": 1, "kit/run-tests": 1, "e2e/ping.e2e": 0.5, "e2e/prometheus.e2e": 0.5, "e2e/shells.e2e": 1,
  "package/install": 1, "package/pack": 1, "package/reference": 1,
};

interface Outcome {
  passed: number;
  failed: number;
}

async function runFile(folder: string, file: string, environment: NodeJS.ProcessEnv): Promise<Outcome> {
  const start = performance.now();
  const words = ["--net", "--mount", "--", ...DIE_WITH_PARENT, process.execPath, join(folder, file)];
  const child = spawn("unshare", words, { stdio: ["ignore", "pipe", "pipe"], detached: true, env: environment });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const closed = once(child, "close");
  const killGroup = (): void => {
    try {
      process.kill(-child.pid!, "SIGKILL");
    } catch {
      // nobody is left in it
    }
  };
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    killGroup();
  }, TIME_LIMIT);
  const [status, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  killGroup(); // what the file left behind would keep its output open
  await closed;

  const outcome = count(output, status === 0);
  const seconds = ((performance.now() - start) / 1000).toFixed(1).padStart(6);
  const end = late ? `, killed after ${TIME_LIMIT / 1000} s` : signal !== null ? `, ended by ${signal}` : "";
  const verdict = outcome.failed === 0 ? "ok  " : "FAIL";
  console.log(`${verdict} ${seconds} s  ${file}: ${outcome.passed} passed, ${outcome.failed} failed${skipped(output)}${end}`);
  if (outcome.failed > 0) console.log(output.trimEnd().replace(/^/gm, "    "));
  return outcome;
}

/** Adds up what uvu printed. A file that ended badly failed at least once, whatever it says. */
function count(output: string, endedWell: boolean): Outcome {
  const sum = (word: string): number => [...output.matchAll(new RegExp(`^ +${word}: +(\\d+)$`, "gm"))].reduce((all, [, n]) => all + Number(n), 0);
  const [total, passed] = [sum("Total"), sum("Passed")];
  return { passed, failed: Math.max(total - passed, endedWell && total > 0 ? 0 : 1) };
}

function skipped(output: string): string {
  const [, n] = /^ +Skipped: +(\d+)$/m.exec(output) ?? [];
  return n === undefined || n === "0" ? "" : `, ${n} skipped`;
}

/** Those of a folder whose path contains one of the names, in the order in which they are to start. */
function filesIn(folder: string, names: string[]): string[] {
  const first = Object.keys(LONGEST);
  const rank = (file: string): number => [...first, file.replace(".test.js", "")].indexOf(file.replace(".test.js", ""));
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.js") && (names.length === 0 || names.some((name) => file.includes(name))))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** Runs all files, the first that there is room for whenever one has ended. */
async function runAll(files: string[], run: (file: string) => Promise<void>): Promise<void> {
  const waiting = [...files];
  const running = new Map<string, Promise<void>>();
  const fits = (file: string): boolean => {
    const taken = [file, ...running.keys()].reduce((sum, one) => sum + (LONGEST[one.replace(".test.js", "")] ?? 1), 0);
    return running.size < AT_ONCE && taken <= ROOM;
  };
  while (waiting.length + running.size > 0) {
    for (let next = waiting.findIndex(fits); next >= 0; next = waiting.findIndex(fits)) {
      const [file] = waiting.splice(next, 1) as [string];
      running.set(file, run(file).finally(() => running.delete(file)));
    }
    await Promise.race(running.values());
  }
}

/** Seconds of CPU time that our children took, and theirs, as far as somebody waited for them: proc(5), cutime and cstime of /proc/self/stat. */
function childrensTime(): number {
  const [user, system] = readFileSync("/proc/self/stat", "utf8").replace(/^.*\) /s, "").split(" ").slice(13, 15).map(Number);
  return (user! + system!) / 100;
}

async function main(names: string[]): Promise<number> {
  const status = await enterPrivateNetwork();
  if (status !== null) return status;
  const start = performance.now();
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const files = filesIn(folder, names);
  // where test files leave for each other what is dear to make
  const shared = mkdtempSync(join(tmpdir(), "weft-test-"));
  process.once("exit", () => rmSync(shared, { recursive: true, force: true }));
  const environment = { ...process.env, NO_COLOR: "1", WEFT_TEST_FOLDER: shared };

  const all: Outcome = { passed: 0, failed: 0 };
  await runAll(files, async (file) => {
    const { passed, failed } = await runFile(folder, file, environment);
    all.passed += passed;
    all.failed += failed;
  });
  if (files.length === 0) console.log(`no test file matches ${names.join(" ")}`);
  console.log(`${((performance.now() - start) / 1000).toFixed(0)} s, ${childrensTime().toFixed(0)} s of CPU time`);
  console.log(`${all.passed} passed, ${all.failed} failed`);
  return all.failed === 0 && all.passed > 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  console.error(`test: ${error.message}`);
  return 1;
});
