// Runs the tests: every file in a process and a network namespace of its own, two at a time; those that move
// as much traffic as there can be have the machine for themselves.
//
//   node dist/test/run.js [NAME…]      only files whose path contains one of the names

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { DIE_WITH_PARENT } from "../host/lab/command.js";
import { enterPrivateNetwork } from "../host/lab/private-network.js";

/** ms until a file's process group is killed */
const TIME_LIMIT = 180_000;
const AT_ONCE = 2;
const ALONE = ["e2e/forward.e2e", "soak/abuse.e2e"];

interface Outcome {
  passed: number;
  failed: number;
}

async function runFile(folder: string, path: string): Promise<Outcome> {
  const start = performance.now();
  const words = ["--net", "--", ...DIE_WITH_PARENT, process.execPath, path];
  const child = spawn("unshare", words, { stdio: ["ignore", "pipe", "pipe"], detached: true, env: { ...process.env, NO_COLOR: "1" } });
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
  console.log(`${verdict} ${seconds} s  ${relative(folder, path)}: ${outcome.passed} passed, ${outcome.failed} failed${skipped(output)}${end}`);
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

async function main(names: string[]): Promise<number> {
  const status = await enterPrivateNetwork();
  if (status !== null) return status;
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".test.js") && (names.length === 0 || names.some((name) => file.includes(name))))
    .sort();

  const all: Outcome = { passed: 0, failed: 0 };
  const work = async (queue: string[]): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const { passed, failed } = await runFile(folder, join(folder, file));
      all.passed += passed;
      all.failed += failed;
    }
  };
  const alone = (file: string): boolean => ALONE.some((name) => file.startsWith(name));
  const together = files.filter((file) => !alone(file));
  await Promise.all(Array.from({ length: AT_ONCE }, () => work(together)));
  await work(files.filter(alone));
  if (files.length === 0) console.log(`no test file matches ${names.join(" ")}`);
  console.log(`${all.passed} passed, ${all.failed} failed`);
  return all.failed === 0 && all.passed > 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2)).catch((error: Error) => {
  console.error(`test: ${error.message}`);
  return 1;
});
