// A router under everything at once, for as long as one likes: traffic of all kinds, broken frames, an operator who changes things, faults
// on the wires. Then silence, in which everything must be accounted for, and a statement on growth.
//
//   node dist/test/soak/run.js [--minutes 30] [--port af_packet|rdma] [--seed N] [--json FILE]
//
// Exit status 0 only if all commands succeeded, every packet and every buffer is accounted for, the hosts reach each other at the end, and
// nothing is proven to grow beyond its bound (samples.ts).

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { table } from "../../host/cli/table.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { scratch, until } from "../e2e/weft.js";
import { knowsFaults, setFault } from "./faults.js";
import { Dice } from "./frames.js";
import { Lab, SIDES, portKind } from "./lab.js";
import { compileExamples, deeds } from "./operator.js";
import { type Growth, type Sample, growth, sample } from "./samples.js";
import { TRAFFIC } from "./traffic.js";

const LAUNCH = fileURLToPath(new URL("./launch.js", import.meta.url));
const PROGRESS_EVERY = 10;

/** How often each actor had its turn, and how many of them failed. */
type Turns = Map<string, { done: number; failed: number; last: string }>;

interface Soak {
  lab: Lab;
  /** the router's file on its memory */
  file: string;
  ending: AbortSignal;
  turns: Turns;
  samples: Sample[];
}

function count({ turns }: Soak, name: string, error?: Error): void {
  const { done, failed, last } = turns.get(name) ?? { done: 0, failed: 0, last: "" };
  turns.set(name, { done: done + 1, failed: failed + (error ? 1 : 0), last: error?.message ?? last });
}

/** Lets the hosts do everything at once. */
function drive(soak: Soak, seed: number): Promise<void>[] {
  return TRAFFIC.map(async ({ name, turn }, i) => {
    const dice = new Dice(seed + i);
    while (!soak.ending.aborted) {
      await turn(soak.lab, dice).then(() => count(soak, name), (error: Error) => count(soak, name, error));
      await sleep(50);
    }
  });
}

/** Has the operator do one thing after the other; throws when one fails. */
async function operate(soak: Soak, seed: number, faulty: boolean): Promise<void> {
  const [dice, all] = [new Dice(seed), deeds(faulty)];
  while (!soak.ending.aborted) {
    const [name, run] = dice.of(all);
    try {
      await run(soak.lab, dice);
    } catch (error) {
      count(soak, name, error as Error);
      throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
    }
    count(soak, name);
    await sleep(200);
  }
}

async function watch(soak: Soak): Promise<void> {
  const start = performance.now();
  while (!soak.ending.aborted) {
    const one = await sample(soak.lab, soak.file, start);
    soak.samples.push(one);
    if (soak.samples.length % PROGRESS_EVERY === 0) {
      console.log(progress(one));
    }
    await sleep(1000 - ((performance.now() - start) % 1000));
  }
}

function progress({ time, received, dropped, free, held, resident, heap, descriptors }: Sample): string {
  const memory = `${(resident / 1024).toFixed(0)} MiB resident, ${(heap / 1024).toFixed(1)} MiB heap, ${descriptors} descriptors`;
  return `${time.toFixed(0).padStart(6)} s  ${received} received, ${dropped} dropped, ${free} buffers free, ${held} held, ${memory}`;
}

/** Silence: wires without faults, nobody sends. Throws what is not as it must be. */
async function rest({ lab }: Soak, faulty: boolean): Promise<void> {
  if (faulty) await setFault(lab, "");
  for (const side of SIDES) await lab.weft.ctl(`set interface mtu 1500 ${lab.nameOf(side)}`);
  await lab.linksUp();
  await lab.forgetNeighbours();
  await until("no host waits for fragments", () => lab.fragmentsGone(), 60_000);
  await until("nothing is held", async () => (await lab.buffers()).held === 0, 30_000);
  await lab.reachable();
  const balance = await lab.weft.stop();
  const { received, originated, transmitted, dropped } = balance;
  console.log(`\nat rest: ${received} received + ${originated} originated = ${transmitted} transmitted + ${dropped} dropped`);
}

function report({ turns, samples }: Soak, grown: Growth[]): void {
  const actors = [...turns].map(([name, { done, failed, last }]) => [name, done, failed, last.split("\n")[0]!.slice(0, 90)]);
  console.log(`\n${table(["Who", "Turns", "Failed", "Last failure"], actors)}`);
  const number = (value: number): string => value.toFixed(2);
  const rows = grown.map(({ what, slope, least, most, bound, holds }) =>
    [what, number(slope), number(least), number(most), bound, holds ? "holds" : "GROWS"]);
  console.log("\nGrowth over the last two thirds (KiB; descriptors: number), at least and at most with 95 % confidence");
  console.log(table(["What", "Growth", "At least", "At most", "Bound", ""], rows));
  console.log(`\nslowest answer: ${Math.max(...samples.map(({ answer }) => answer)).toFixed(0)} ms, ${samples.length} samples`);
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "30" }, port: { type: "string", default: "af_packet" }, seed: { type: "string", default: "1" },
      json: { type: "string" },
    },
  });
  const [minutes, seed, kind] = [Number(values.minutes), Number(values.seed), portKind(values.port)];
  if (!(minutes > 0) || !Number.isInteger(seed)) throw new Error("--minutes takes a number above 0, --seed a whole number");
  const status = await enterPrivateNetwork();
  if (status !== null) return status;

  await compileExamples();
  const file = (process.env["WEFT_SOAK_MEMORY"] = join(scratch(), "memory"));
  const lab = await Lab.start(kind, ["--expose-gc", LAUNCH]);
  const ending = new AbortController();
  const soak: Soak = { lab, file, ending: ending.signal, turns: new Map(), samples: [] };
  let failure: Error | undefined;
  try {
    await lab.reachable();
    const faulty = await knowsFaults(lab);
    if (!faulty) console.log("this router knows no faults: the frames are broken, the wires are not");
    const traffic = drive(soak, seed);
    const work = Promise.all([operate(soak, seed, faulty), watch(soak)]);
    await Promise.race([work, sleep(minutes * 60_000, undefined, { ref: false })]);
    ending.abort();
    await work;
    await Promise.all(traffic);
    await rest(soak, faulty);
  } catch (error) {
    failure = error as Error;
    ending.abort();
  } finally {
    await lab.close();
  }
  const grown = growth(soak.samples);
  report(soak, grown);
  const all = { minutes, seed, kind, samples: soak.samples, growth: grown, turns: Object.fromEntries(soak.turns) };
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(all, null, 1));
  const grows = grown.some(({ holds }) => !holds);
  console.log(failure ? `FAILED: ${failure.stack}\n${lab.weft.notices.slice(-2000)}` : grows ? "FAILED: it grows" : "all holds");
  return failure || grows ? 1 : 0;
}

process.exitCode = await main().catch((error: Error) => {
  console.error(`soak: ${error.stack ?? error.message}`);
  return 1;
});
