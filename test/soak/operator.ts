// What the operator of a soak does all the while: one change after the other, each of which leaves the configuration as it found it. All
// of it must succeed.

import { A, B } from "../e2e/network.js";
import { exampleFile } from "../e2e/example-file.js";
import type { Dice } from "./frames.js";
import { FAULTS, setFault } from "./faults.js";
import { type Lab, SIDES, flap } from "./lab.js";

const SHOWN = [
  "interface", "hardware-interfaces", "runtime", "errors", "buffers", "balance", "ip fib", "ip neighbors", "node", "node counters", "memory", "version",
];
const ROUTES = 100;

export type Deed = [name: string, run: (lab: Lab, dice: Dice) => Promise<void>];

async function commands({ weft }: Lab, ...lines: string[]): Promise<void> {
  for (const line of lines) await weft.ctl(line);
}

const routes: Deed = ["routes", async (lab, dice) => {
  const prefixes = Array.from({ length: ROUTES }, (_, i) => `10.${100 + dice.below(100)}.${i}.0/${dice.of([24, 25, 28])}`);
  const targets = [`via ${B.address}`, `via ${A.address}`, "via drop", "via unreachable", "via prohibit"];
  for (const prefix of prefixes) await lab.weft.ctl(`ip route add ${prefix} ${dice.of(targets)}`);
  for (const prefix of prefixes) await lab.weft.ctl(`ip route del ${prefix}`);
}];

const EXAMPLES = ["acl", "flow-meter", "policer"];
/** They are compiled once, which takes a while. */
export async function compileExamples(): Promise<void> {
  for (const name of EXAMPLES) await exampleFile(name);
}

const customs: Deed = ["custom nodes", async (lab, dice) => {
  const file = await exampleFile(dice.of(EXAMPLES));
  const place = dice.of(["after ip4-input", "before ip4-lookup", `after ip4-input on ${lab.nameOf(A)}`, "before interface-output"]);
  await commands(lab, `node load ${file} as soaked`, `node insert soaked ${place}`);
  await pause(500 + dice.below(1000));
  await commands(lab, `node replace soaked with ${file}`);
  await pause(dice.below(500));
  await commands(lab, "node bypass soaked", "node unload soaked");
}];

const settings: Deed = ["interface settings", async (lab, dice) => {
  const name = lab.nameOf(dice.of(SIDES));
  for (const mode of ["polling", "interrupt", "adaptive"]) await commands(lab, `set interface rx-mode ${name} ${mode}`);
  for (const mtu of [1400, 576, 1500]) await commands(lab, `set interface mtu ${mtu} ${name}`);
  await commands(lab, `set interface ip address ${name} 10.77.0.1/24`, `set ip neighbor ${name} 10.77.0.2 02:00:00:00:00:77`);
  await commands(lab, `set ip neighbor del ${name} 10.77.0.2`, `set interface ip address del ${name} 10.77.0.1/24`);
  await commands(lab, `set interface state ${name} down`, `set interface state ${name} up`);
}];

const shows: Deed = ["show and clear", async (lab, dice) => {
  for (const what of SHOWN) await lab.weft.show(what);
  await commands(lab, dice.of(["clear runtime", "clear errors", "clear interfaces", "clear ip neighbors"]));
  await lab.weft.try(`ping ${dice.of([A.address, B.address])} repeat 5 interval 0.05`); // may be lost
}];

const flaps: Deed = ["links flap", async (_, dice) => {
  for (let i = dice.below(5); i >= 0; i--) await flap(dice.of(SIDES).device);
}];

const remade: Deed = ["an interface made anew", async (lab, dice) => {
  const side = dice.of(SIDES);
  await lab.remove(side);
  await lab.create(side);
}];

const moved: Deed = ["a host with another MAC address", async (lab, dice) => {
  const host = dice.of([lab.a, lab.b]);
  await host.ip("link", "set", "dev", "eth0", "address", `02:00:00:00:0c:${(16 + dice.below(200)).toString(16)}`);
  await host.ip("neighbor", "flush", "dev", "eth0");
}];

/** A fault that stays until the next one: FAULTS in their order. */
function faults(): Deed {
  let turn = 0;
  return ["faults on the wires", (lab) => setFault(lab, FAULTS[turn++ % FAULTS.length]!)];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** All deeds, those with faults where the router knows any. */
export function deeds(faulty: boolean): Deed[] {
  return [routes, customs, settings, shows, flaps, remade, moved, ...(faulty ? [faults()] : [])];
}
