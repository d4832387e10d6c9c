// Commands about the ICMP messages that the router sends.

import type { IcmpLimits } from "../control/api.js";
import { WeftError } from "../errors.js";
import type { Command, Values } from "./grammar.js";
import { show } from "./show.js";

function typed(values: Values): Partial<IcmpLimits> {
  const given = (["interval", "rate", "burst"] as const).filter((name) => values[`icmp-${name}`] !== undefined);
  if (given.length === 0) throw new WeftError("BAD_COMMAND", "which limit? interval, rate or burst, such as: set ip icmp rate-limit interval 1000");
  return Object.fromEntries(given.map((name) => [name, Number(values[`icmp-${name}`])]));
}

export const ICMP: Command[] = [
  {
    pattern: "set ip icmp rate-limit [interval <icmp-interval>] [rate <icmp-rate>] [burst <icmp-burst>]",
    help: "ICMP errors: ms between two to one host, errors and TCP resets a second to all, and at once; 0: no limit",
    examples: ["set ip icmp rate-limit interval 1000 rate 1000 burst 50"],
    run: ({ control }, values) => control.setIcmpLimits(typed(values)),
  },
  show("show ip icmp", "limits of ICMP errors", (control) => control.icmpLimits(), ({ interval, rate, burst }) => [
    interval === 0 ? "to one destination: not limited" : `to one destination: 6 errors at once, then one every ${interval} ms`,
    rate === 0 ? "to all: not limited" : `to all: ${burst} errors at once, then ${rate} a second; TCP resets the same`,
  ].join("\n")),
];
