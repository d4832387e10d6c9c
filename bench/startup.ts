// How long `weft run FILE` takes from the start of its process to its first packet: the kernel of another network namespace pings it
// all the while, and the first answer counts. FILE sets an interface up.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { table } from "../host/cli/table.js";
import { DIE_WITH_PARENT, ended } from "../host/lab/command.js";
import { Host } from "../host/lab/host.js";
import { enterPrivateNetwork } from "../host/lab/private-network.js";
import { optionsOf, times } from "./options.js";
import type { Marks } from "./startup-marks.js";
import { quantile } from "./statistics.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** What weft does once it has seen that all is built. */
const MAIN = JSON.stringify(join(ROOT, "build/program/cli/main.js"));
const PROGRAM = `import { main } from ${MAIN};\nprocess.exit(await main(process.argv.slice(2)));\n`;
/** The same with that look before it, and through npm. */
const CHECKED = [process.execPath, join(ROOT, "host/setup/weft.mjs")];
const NPM = ["npm", "run", "--silent", "weft", "--"];
const MARKS = new URL("startup-marks.js", import.meta.url).href;
const MAC = "02:fe:00:00:00:01";
const SCRIPT = [
  "create host-interface name weft0", `set interface mac address host-weft0 ${MAC}`, "set interface state host-weft0 up",
  "set interface ip address host-weft0 198.51.100.1/24",
];
const USAGE = `Usage: node dist/bench/startup.js [OPTION…]

Measures how long "weft run FILE" takes from the start of its process to its first packet, and where the time goes.

  --runs N   how often to start it (15)
  --json     one line of JSON on standard output, nothing else: what is to be reached, and what was`;
/** ms */
const PATIENCE = 20_000;
const SILENCE = 200;

/** The kernel beside the router, which pings it every 2 ms. */
class Pinger {
  /** when answers came, ms since 1970 */
  private readonly answers: number[] = [];

  private constructor(readonly host: Host) {}

  static async create(): Promise<Pinger> {
    const host = await Host.create();
    await host.link("weft0", "eth0");
    await host.address("eth0", "198.51.100.2/24");
    await host.ip("neighbor", "add", "198.51.100.1", "lladdr", MAC, "dev", "eth0", "nud", "permanent"); // else it would ask once a second
    const pinger = new Pinger(host);
    let waiting = "";
    const ping = host.spawn("ping", ["-D", "-n", "-i", "0.002", "198.51.100.1"]);
    ping.stdout.setEncoding("utf8").on("data", (text: string) => {
      const lines = (waiting + text).split("\n");
      waiting = lines.pop()!;
      for (const line of lines) {
        const time = /^\[([\d.]+)\] \d+ bytes from/.exec(line)?.[1];
        if (time !== undefined) pinger.answers.push(Number(time) * 1000);
      }
    });
    return pinger;
  }

  /** When the first answer behind a time came. */
  async answered(from: number): Promise<number> {
    for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(5)) {
      const found = this.answers.find((time) => time > from);
      if (found !== undefined) return found;
    }
    throw new Error(`no answer within ${PATIENCE / 1000} s`);
  }

  /** Waits until what the router before has answered is told. */
  async silence(): Promise<void> {
    for (let told = -1; told !== this.answers.length; await sleep(SILENCE)) told = this.answers.length;
  }
}

function now(): number {
  return performance.timeOrigin + performance.now();
}

/** ms from the start of a program's process to the first answer. */
async function start(pinger: Pinger, words: string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<number> {
  await pinger.silence();
  const begun = now();
  const [program, ...options] = DIE_WITH_PARENT;
  const child = spawn(program!, [...options, ...words], {
    cwd, stdio: ["ignore", "ignore", "pipe"], detached: true, env: { ...process.env, ...env },
  });
  let told = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (told += text));
  const end = ended(child);
  const failed = end.then((status) => { throw new Error(`it ended with status ${status} before it answered: ${told}`); });
  const answered = await Promise.race([pinger.answered(begun), failed]);
  failed.catch(() => {});
  process.kill(-child.pid!, "SIGTERM"); // its group: npm does not pass the signal on
  await end;
  return answered - begun;
}

async function main(): Promise<number> {
  const values = optionsOf({ runs: { type: "string", default: "15" }, json: { type: "boolean", default: false } }, USAGE);
  const runs = times("--runs", values.runs);
  const status = await enterPrivateNetwork();
  if (status !== null) return status;
  const folder = mkdtempSync(join(tmpdir(), "weft-startup-"));
  const pinger = await Pinger.create();
  try {
    const file = join(folder, "router.weft");
    writeFileSync(file, SCRIPT.join("\n"));
    const options = ["run", file, "--socket", join(folder, "weft.sock")];
    const launch = join(folder, "launch.mjs");
    writeFileSync(launch, PROGRAM);
    const program = [process.execPath, launch, ...options];
    const whole: number[] = [];
    const others: { name: string; words: string[]; took: number[] }[] = [
      { name: "with a look whether all is built", words: CHECKED, took: [] },
      { name: "npm run weft -- run FILE", words: NPM, took: [] },
    ];
    const marked: (Marks & { whole: number })[] = [];
    for (let run = 0; run < runs; run++) {
      whole.push(await start(pinger, program, folder));
      if (values.json) continue;
      const marks = join(folder, "marks.json");
      const env = { NODE_OPTIONS: `--import=${MARKS}`, WEFT_STARTUP_MARKS: marks };
      const took = await start(pinger, program, folder, env);
      marked.push({ ...(JSON.parse(readFileSync(marks, "utf8")) as Marks), whole: took });
      for (const other of others) other.took.push(await start(pinger, [...other.words, ...options], ROOT));
    }
    if (values.json) {
      const value = Math.round(quantile(whole, 0.5)) / 1000;
      console.log(JSON.stringify({ targets: [{ name: "start-up of weft run, to the first packet", value }] }));
    } else print(whole, others, marked);
  } finally {
    await pinger.host.close();
    rmSync(folder, { recursive: true });
  }
  return 0;
}

function print(whole: number[], others: { name: string; took: number[] }[], marked: (Marks & { whole: number })[]): void {
  const row = (name: string, values: number[]): string[] => [name, ...[0, 0.5, 1].map((q) => quantile(values, q).toFixed(0))];
  const between = (name: string, from: (one: Marks) => number, to: (one: Marks & { whole: number }) => number): string[] =>
    row(name, marked.map((one) => to(one) - from(one)));
  console.log(`ms from the start of the process to the first ping answered, ${whole.length} runs`);
  console.log(table(["", "Least", "Median", "Most"], [
    row("weft run FILE", whole), ...others.map(({ name, took }) => row(name, took)),
  ]));
  console.log("\nwhere the time goes in weft run FILE (in runs of their own, each somewhat slower for being watched)");
  console.log(table(["", "Least", "Median", "Most"], [
    between("Node itself", () => 0, ({ node }) => node),
    between("modules loaded", ({ node }) => node, ({ imported }) => imported),
    between("nodes read and compiled", ({ imported }) => imported, ({ compiled }) => compiled),
    between("memory, tables, the worker ready", ({ compiled }) => compiled, ({ threadReady }) => threadReady),
    between("FILE done, socket open", ({ threadReady }) => threadReady, ({ ready }) => ready),
    between("first answer, and starting a process", ({ ready }) => ready, (one) => one.whole),
  ]));
}

process.exit(await main());
