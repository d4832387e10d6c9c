// set interface fault, show interface fault: what goes wrong in a port on purpose.

import type { FaultInfo, FaultLine, FaultOptions } from "../control/api.js";
import { amount, fraction, milliseconds } from "./arguments.js";
import type { Command, Context, Values } from "./grammar.js";
import { show } from "./show.js";
import { table } from "./table.js";

const PROBABILITIES = ["loss", "truncate", "corrupt", "duplicate", "reorder"] as const;
const TIMES = ["delay", "jitter"] as const;
const OPTIONS = [...PROBABILITIES, ...TIMES, "seed"].map((name) => `[${name} <${name}>]`).join(" ");

export const FAULT: Command[] = [
  ...(["rx", "tx"] as const).map((direction) => ({
    pattern: `set interface fault <interface> ${direction} ${OPTIONS}`,
    help: `lose, damage, double, reorder or delay packets that ${direction === "rx" ? "come" : "go"}; what is not named does not happen`,
    examples: [`set interface fault host-eth0 ${direction} loss 1% delay 5ms jitter 50us seed 9`],
    run: ({ control }: Context, values: Values) =>
      control.setInterfaceFault(values.interface!, { [direction]: faults(values), ...(values.seed !== undefined && { seed: amount(values.seed) }) }),
  })),
  {
    pattern: "set interface fault <interface> off",
    help: "packets are left alone again; those that are delayed go on at once",
    examples: ["set interface fault host-eth0 off"],
    run: ({ control }, values) => control.setInterfaceFault(values.interface!, null),
  },
  show("show interface fault", "what goes wrong on purpose, and how often it did", (control) => control.interfaceFaults(), faultTable),
];

function faults(values: Values): FaultOptions {
  const given = (name: string): boolean => values[name] !== undefined;
  return Object.fromEntries([
    ...PROBABILITIES.filter(given).map((name) => [name, fraction(values[name]!)]),
    ...TIMES.filter(given).map((name) => [name, milliseconds(values[name]!)]),
  ]) as FaultOptions;
}

function faultTable(all: FaultInfo[]): string {
  const rows = all.flatMap((one) => [row(one, "rx"), row(one, "tx")]);
  const counts = ["Lost", "Truncated", "Corrupted", "Duplicated", "Reordered", "Delayed", "Held"];
  return table(["Interface", "", ...counts, "Faults"], rows);
}

function row(info: FaultInfo, direction: "rx" | "tx"): (string | number)[] {
  const line = info[direction];
  const { lost, truncated, corrupted, duplicated, reordered, delayed, held } = line;
  return [info.interface, direction, lost, truncated, corrupted, duplicated, reordered, delayed, held, settings(line, info.seed)];
}

function settings(line: FaultLine, seed: number): string {
  const set = [
    ...PROBABILITIES.filter((name) => line[name] > 0).map((name) => `${name} ${Number((line[name] * 100).toFixed(9))}%`),
    ...TIMES.filter((name) => line[name] > 0).map((name) => `${name} ${line[name]}ms`),
  ];
  return set.length === 0 ? "none" : [...set, `seed ${seed}`].join(" ");
}
