// What a worker at full rate leaves to the garbage collector: how much it allocates, and how long a collection stops it. A packet generator, the
// graph and another packet generator that forgets, in a router as `weft run` starts it.

import { fork } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { RuntimeInfo } from "../host/control/api.js";
import { ctl } from "../host/cli/ctl.js";
import { table } from "../host/cli/table.js";
import { ended } from "../host/lab/command.js";
import type { ProfileNode, Question } from "./gc-watch.js";
import { optionsOf, times } from "./options.js";

const LAUNCH = fileURLToPath(new URL("../test/e2e/launch.js", import.meta.url));
const WATCH = new URL("gc-watch.js", import.meta.url).href;
const SCRIPT = [
  "create packet-generator interface pg0", "create packet-generator interface pg1",
  "set interface state pg0 up", "set interface state pg1 up",
  "set interface ip address pg0 192.0.2.1/24", "set interface ip address pg1 198.51.100.1/24",
  "set ip neighbor pg1 198.51.100.2 02:00:00:00:00:03",
  'packet-generator new name s0 interface pg0 size 60 data "UDP: 192.0.2.2 -> 198.51.100.2 UDP: 1024+65535 -> 9 incrementing 18"',
  "packet-generator enable-stream s0",
];
/** s until V8 has compiled what is hot */
const WARM = 10;
/** "[pid:isolate] 337 ms: Scavenge 57.9 (74.8) -> 56.1 (88.8) MB, 48.95 / 0.00 ms  (…" */
const COLLECTION = /^\[\d+:(0x[0-9a-f]+)\].*?: ([A-Z][\w-]*).*? ([\d.]+) \([\d.]+\) -> ([\d.]+) \([\d.]+\) MB, (?:\w+ )?([\d.]+)/;

const USAGE = `Usage: node dist/bench/gc.js [OPTION…]

Measures what a worker at full rate leaves to the garbage collector: how much it allocates, and how long a collection stops it.

  --seconds N   how long to watch, after ${WARM} s in which V8 compiles what is hot (60)
  --profile     tell the places that allocated most
  --json        one line of JSON on standard output, nothing else: what is to be reached, and what was`;

/** One collection of the worker's: MB that it took away, ms that it took. */
interface Collection {
  kind: string;
  freed: number;
  pause: number;
}

class Watched {
  readonly collections: Collection[] = [];
  private main = "";
  private readonly child;
  private readonly end: Promise<number>;

  constructor(file: string, private readonly socket: string) {
    const execArgv = ["--expose-gc", "--trace-gc", `--import=${WATCH}`];
    this.child = fork(LAUNCH, ["run", file, "--socket", socket], { execArgv, stdio: ["ignore", "pipe", "ignore", "ipc"] });
    this.end = ended(this.child);
    let waiting = "";
    this.child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const lines = (waiting + text).split("\n");
      waiting = lines.pop()!;
      for (const line of lines) this.note(line);
    });
  }

  private note(line: string): void {
    const [, isolate, kind, before, after, pause] = COLLECTION.exec(line) ?? [];
    if (isolate === undefined) return;
    this.main ||= isolate;
    if (isolate !== this.main) this.collections.push({ kind: kind!, freed: Number(before) - Number(after), pause: Number(pause) });
  }

  ask(question: Question): Promise<unknown> {
    return new Promise((resolve) => {
      this.child.once("message", resolve);
      this.child.send(question);
    });
  }

  /** MB */
  async heap(): Promise<number> {
    return Number(await this.ask("heap")) / 2 ** 20;
  }

  async rate(): Promise<number> {
    let text = "";
    await ctl(["--socket", this.socket, "--json", "show", "runtime"], { out: (more) => (text += more), error: () => {} });
    return (JSON.parse(text) as RuntimeInfo).workers[0]!.txRate;
  }

  async close(): Promise<void> {
    this.child.kill("SIGTERM");
    await this.end;
  }
}

async function main(): Promise<void> {
  const values = optionsOf({
    seconds: { type: "string", default: "60" }, profile: { type: "boolean", default: false }, json: { type: "boolean", default: false },
  }, USAGE);
  const seconds = times("--seconds", values.seconds);
  const folder = mkdtempSync(join(tmpdir(), "weft-gc-"));
  const file = join(folder, "router.weft");
  writeFileSync(file, SCRIPT.join("\n"));
  const router = new Watched(file, join(folder, "weft.sock"));
  try {
    await sleep(WARM * 1000);
    if (values.profile) await router.ask("profile");
    router.collections.length = 0;
    const before = await router.heap();
    await sleep(seconds * 1000);
    const after = await router.heap();
    const { collections } = router;
    const freed = collections.reduce((sum, one) => sum + one.freed, 0);
    const pause = Math.max(0, ...collections.map((one) => one.pause));
    const allocated = after - before + freed;
    if (values.json) {
      const targets = [
        { name: "garbage collection: heap growth in 60 s", value: allocated * (60 / seconds) },
        { name: "garbage collection: longest pause", value: pause },
      ];
      return console.log(JSON.stringify({ targets: targets.map(({ name, value }) => ({ name, value: Math.round(value * 1000) / 1000 })) }));
    }
    console.log(`A worker for ${seconds} s at ${((await router.rate()) / 1e6).toFixed(1)} million packets a second`);
    console.log(table(["Heap MB, before", "after", "Freed", "Allocated", "Collections", "Longest pause ms"],
      [[before, after, freed, allocated].map((value) => value.toFixed(3)).concat(String(collections.length), pause.toFixed(2))]));
    if (values.profile) console.log(`\nwhat allocated, KB\n${profile((await router.ask("profiled")) as ProfileNode)}`);
  } finally {
    await router.close();
    rmSync(folder, { recursive: true });
  }
}

/** The places that allocated most. */
function profile(head: ProfileNode): string {
  const rows: [size: number, place: string][] = [];
  const visit = ({ callFrame: { functionName, url, lineNumber }, selfSize, children }: ProfileNode): void => {
    if (selfSize > 0) rows.push([selfSize, `${functionName || "(anonymous)"} ${url.replace(/.*\/dist\//, "")}:${lineNumber + 1}`]);
    children.forEach(visit);
  };
  visit(head);
  return table(["KB", "Where"], rows.sort(([a], [b]) => b - a).slice(0, 20).map(([size, place]) => [(size / 1024).toFixed(1), place]));
}

await main();
