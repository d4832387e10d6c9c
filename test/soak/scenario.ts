// A kind of abuse, and the verdict after it: what must hold whatever was done to the router.

import * as assert from "uvu/assert";
import type { Balance } from "../../host/control/api.js";
import { countersAgree } from "../e2e/network.js";
import { until } from "../e2e/weft.js";
import { type Counts, type Lab, SIDES, moved, residentKib } from "./lab.js";

/** How much of everything: the short form is for every test run, the long one for an evening. */
export interface Sizes {
  /** mixed frames to replay */
  frames: number;
  /** ARP requests, at 10,000 a second */
  arps: number;
  /** packets of each of hping3's forms */
  packets: number;
  /** ports of each of nmap's scans */
  ports: number;
  /** addresses for fping, half of them there */
  addresses: number;
  /** link flaps; changed MAC addresses; interfaces deleted and made again */
  flaps: number;
  moves: number;
  removals: number;
}

/** A counter that may move, "node: reason", and why. */
export type Expected = [name: RegExp, why: string];

export interface Scenario {
  name: string;
  expects: Expected[];
  run: (lab: Lab, sizes: Sizes) => Promise<void>;
  /** neighbours that may be left; default: the two hosts */
  neighbours?: number;
  /** what the operator may be told meanwhile; default: nothing */
  notices?: RegExp;
  /** links came and went: the hosts' counters and the router's cannot be compared */
  unsteady?: boolean;
  /** false senders were told of: who is who has to be forgotten before the hosts are asked for again */
  poisons?: boolean;
}

export interface Verdict {
  name: string;
  seconds: number;
  /** received by the router meanwhile, by all counts */
  received: number;
  /** what moved */
  counts: Counts;
  neighbours: number;
  residentKib: number;
  /** commands that the main thread answered while it ran; the longest that one took, ms */
  answered: number;
  slowest: number;
}

/** Runs it, and throws what does not hold afterwards. */
export async function judge(lab: Lab, scenario: Scenario, sizes: Sizes): Promise<Verdict> {
  const { weft } = lab;
  const [start, before, told, balance] = [performance.now(), await lab.counts(), weft.notices.length, await weft.show<Balance>("balance")];
  const asking = new Asking(lab);
  await scenario.run(lab, sizes).finally(() => asking.stop());
  const { answered, slowest } = await asking.done;
  assert.ok(answered > 0, "the main thread answered meanwhile");

  await lab.linksUp();
  if (scenario.poisons) await lab.forgetNeighbours();
  await settled(lab);
  if (!scenario.unsteady) for (const side of SIDES) await countersAgree(weft, lab.hostOf(side), side, lab.nameOf(side));
  const neighbours = (await lab.neighbours()).length;
  await lab.reachable();
  const rest = await settled(lab);
  const counts = moved(before, await lab.counts());
  const unexplained = [...counts].filter(([name]) => !scenario.expects.some(([expected]) => expected.test(name)));
  assert.equal(unexplained, [], "counters that nobody expected to move");
  assert.ok(neighbours <= (scenario.neighbours ?? 2), `${neighbours} neighbours left`);
  const strange = weft.notices.slice(told).split("\n").filter((line) => line !== "" && !scenario.notices?.test(line));
  assert.equal(strange, [], "notices that nobody expected");
  const seconds = (performance.now() - start) / 1000;
  return {
    name: scenario.name, seconds, received: rest.received - balance.received, counts, neighbours, residentKib: residentKib(lab.pid), answered, slowest,
  };
}

/**
 * Waits until nothing is under way any more: packets that wait for a neighbour who never answers are given up after three seconds; hosts
 * give fragments up too, and say so.
 */
async function settled(lab: Lab): Promise<Balance> {
  await until("no host waits for fragments", () => lab.fragmentsGone(), 30_000);
  const free = async (): Promise<boolean> => (await lab.buffers()).held === 0;
  await until("nothing is held", free, 30_000);
  return lab.atRest();
}

/** Asks the main thread something all the time. */
class Asking {
  #going = true;
  readonly done: Promise<{ answered: number; slowest: number }>;

  constructor(lab: Lab) {
    this.done = this.#ask(lab);
    this.done.catch(() => {}); // whoever awaits it is told
  }

  stop(): void {
    this.#going = false;
  }

  async #ask({ weft }: Lab): Promise<{ answered: number; slowest: number }> {
    let [answered, slowest] = [0, 0];
    for (; this.#going; await new Promise((resolve) => setTimeout(resolve, 20))) {
      const asked = performance.now();
      await weft.show("interface");
      if (this.#going) answered++;
      slowest = Math.max(slowest, performance.now() - asked);
    }
    return { answered, slowest };
  }
}
