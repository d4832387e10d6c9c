// Takes a router through the groups, and keeps what was seen.

import { GROUPS } from "./groups/index.js";
import { Lab, type Mangle, type Sent } from "./lab.js";
import { ALL } from "./network.js";
import type { Router } from "./rig.js";
import { Wire } from "./wire.js";

export interface Observed {
  group: string;
  name: string;
  rule: string;
  /** what was sent, in hex; long series are cut */
  sent: Sent[];
  /** the router's frames link by link, then what the point noted; links do not wait for each other, so their order says nothing */
  lines: string[];
  /** the router's frames, in hex */
  frames: Sent[];
}

const SENT_SHOWN = 8;

export async function observe(router: Router, mangle: Mangle, only: string | undefined): Promise<Observed[]> {
  const wire = new Wire();
  const all: Observed[] = [];
  try {
    const lab = new Lab(wire, mangle, router.limitErrors);
    await lab.fence();
    for (const group of GROUPS.filter(({ name }) => only === undefined || name === only)) {
      for (const point of group.points) {
        lab.clear();
        await point.run(lab);
        await lab.fence();
        if (await lab.settle()) await lab.fence();
        const byLink = ALL.flatMap(({ name }) => lab.lines.filter((line) => line.startsWith(`${name} `)));
        const lines = [...(point.anyOrder ? byLink.sort() : byLink), ...lab.notes];
        const frames = lab.frames.slice(0, SENT_SHOWN).map(({ link, bytes }) => ({ link, frame: bytes.toString("hex") }));
        all.push({ group: group.name, name: point.name, rule: point.rule, sent: lab.sent.slice(0, SENT_SHOWN), lines, frames });
      }
    }
  } finally {
    wire.close();
  }
  return all;
}
