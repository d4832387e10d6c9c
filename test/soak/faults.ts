// What goes wrong on the wires of a soak: one list, in the words of `set interface fault`.

import { type Lab, SIDES } from "./lab.js";

/** One after the other, on both interfaces; "" is none. */
export const FAULTS: string[] = [
  "", "rx loss 1%", "tx loss 5%", "rx corrupt 1%", "tx corrupt 2%", "", "rx truncate 1%", "tx truncate 1%", "rx duplicate 5%", "tx duplicate 20%",
  "rx reorder 5%", "tx reorder 5%", "", "rx delay 5ms jitter 3ms", "tx delay 20ms",
  "rx loss 1% truncate 1% corrupt 1% duplicate 1% reorder 1% delay 1ms jitter 1ms",
];

/** Whether the router knows of faults at all. */
export async function knowsFaults({ weft }: Lab): Promise<boolean> {
  return (await weft.try("show interface fault")).status === 0;
}

export async function setFault(lab: Lab, fault: string): Promise<void> {
  for (const side of SIDES) {
    await lab.weft.ctl(`set interface fault ${lab.nameOf(side)} off`);
    if (fault !== "") await lab.weft.ctl(`set interface fault ${lab.nameOf(side)} ${fault}`);
  }
}
