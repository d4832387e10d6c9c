// Which routers there are, and their comparison with Linux.

import { BROKEN, SOUND, mangler, shownTo } from "./broken.js";
import { BROKEN_NODES, loadBrokenNode } from "./broken-nodes.js";
import { judge, same } from "./judge.js";
import type { Mangle } from "./lab.js";
import { type Observed, observe } from "./observe.js";
import { type Compared, table } from "./report.js";
import { type Router, startLinux, startWeft } from "./rig.js";

const PREFIX = "broken:";

async function observed(start: () => Promise<Router>, mangle: Mangle, group: string | undefined): Promise<{ points: Observed[]; refused: string[] }> {
  const router = await start();
  try {
    return { points: await observe(router, mangle, group), refused: router.refused };
  } finally {
    await router.stop();
  }
}

const linuxOnce = async (group: string | undefined): Promise<Observed[]> => (await observed(startLinux, SOUND, group)).points;

/** Points that both have, side by side. */
function sideBySide(linux: Observed[], router: Observed[]): Compared[] {
  return router.map((one) => {
    const other = linux.find(({ group, name }) => group === one.group && name === one.name);
    if (!other) throw new Error(`Linux was not asked: ${one.group}: ${one.name}`);
    return { linux: other, router: one, judgement: judge(`${one.group}: ${one.name}`, other, one) };
  });
}

export async function compareWith(name: string, group: string | undefined, known?: Observed[]) {
  const linux = known ?? (await linuxOnce(group));
  const defect = name.slice(PREFIX.length);
  const node = name.startsWith(PREFIX) && defect in BROKEN_NODES ? loadBrokenNode(defect) : undefined;
  const start = name === "weft" || node ? () => startWeft(node) : startLinux;
  if (name !== "weft" && name !== "linux" && !name.startsWith(PREFIX)) throw new Error(`no router "${name}": weft, linux, broken, broken:NAME`);
  const mangle = name.startsWith(PREFIX) && !node ? mangler(defect) : SOUND;
  const { points, refused } = await observed(start, mangle, group);
  const compared = sideBySide(linux, points);
  const worse = compared.filter(({ judgement }) => judgement.verdict === "worse").length;
  const text = [table(compared, name.replace(/:.*/, "")), ...refused.map((line) => `refused: ${line}`)].join("\n");
  return { linux, compared, refused, text, ok: name.startsWith(PREFIX) ? worse > 0 : worse === 0 };
}

/** Each broken node in turn: where weft with it differs from weft without it. */
async function breakNodes(): Promise<number> {
  let unnoticed = 0;
  for (const [name, { group }] of Object.entries(BROKEN_NODES)) {
    const sound = await observed(() => startWeft(), SOUND, group);
    const broken = await observed(() => startWeft(loadBrokenNode(name)), SOUND, group);
    if (!tell(name, sound.points, broken.points)) unnoticed++;
  }
  return unnoticed;
}

/** Prints whether a defect shows. */
function tell(name: string, sound: Observed[], broken: Observed[]): boolean {
  const differing = sideBySide(sound, broken).filter((one) => !same(one.linux, one.router));
  const first = differing[0];
  console.log(`${name.padEnd(22)}${first ? `noticed in ${differing.length} points, first in "${first.linux.group}: ${first.linux.name}"` : "NOT NOTICED"}`);
  return first !== undefined;
}

/** Each defect in turn, in the group that is about it or in the one named; true when the comparison noticed all of them. */
export async function breakAll(group: string | undefined, known?: Observed[]): Promise<boolean> {
  const linux = known ?? (await linuxOnce(group));
  let unnoticed = 0;
  for (const name of BROKEN) {
    const { points } = await observed(startLinux, mangler(name), group ?? shownTo(name));
    if (!tell(name, linux, points)) unnoticed++;
  }
  unnoticed += await breakNodes();
  const all = BROKEN.length + Object.keys(BROKEN_NODES).length;
  console.log(`${all - unnoticed} of ${all} defects noticed`);
  return unnoticed === 0;
}
