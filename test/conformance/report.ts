// The comparison as a table, and in full.

import { CAUSES } from "./causes.js";
import type { Judgement, Verdict } from "./judge.js";
import type { Observed } from "./observe.js";

export interface Compared {
  linux: Observed;
  router: Observed;
  judgement: Judgement;
}

const WIDTH = 110;
const VERDICTS: Verdict[] = ["same", "better", "allowed", "worse"];

/** The head of an observation: its first line, shortened, and how many there are. */
function brief({ lines }: Observed): string {
  const first = (lines[0] ?? "silence").replace(/[0-9a-f:]{17}>[0-9a-f:]{17} /, "").replace(/ checksum ok/, "");
  const more = lines.length > 1 ? ` (+${lines.length - 1})` : "";
  return (first.length + more.length > WIDTH ? `${first.slice(0, WIDTH - more.length - 1)}…` : first) + more;
}

function summary(all: Compared[]): string {
  const names = [...new Set(all.map(({ linux }) => linux.group))];
  const row = (name: string, of: Compared[]): string => {
    const counts = VERDICTS.map((verdict) => String(of.filter(({ judgement }) => judgement.verdict === verdict).length).padStart(8));
    return `${name.padEnd(14)}${String(of.length).padStart(8)}${counts.join("")}`;
  };
  const head = `${"group".padEnd(14)}${["points", ...VERDICTS].map((word) => word.padStart(8)).join("")}`;
  return [head, ...names.map((name) => row(name, all.filter(({ linux }) => linux.group === name))), row("all", all)].join("\n");
}

/** What is worse, by its cause, what ought to be mended first in front. */
function toMend(all: Compared[]): string[] {
  const worse = all.filter(({ judgement }) => judgement.verdict === "worse");
  const title = ({ linux }: Compared): string => `${linux.group}: ${linux.name}`;
  const causeOf = (one: Compared): number => CAUSES.findIndex(({ points }) => points.test(title(one)));
  const blocks = CAUSES.flatMap((cause, i) => {
    const points = worse.filter((one) => causeOf(one) === i);
    if (points.length === 0) return [];
    const [first] = points as [Compared];
    const sent = first.linux.sent.map(({ link, frame }) => `${link} ${frame.length > 240 ? `${frame.slice(0, 240)}… (${frame.length / 2} bytes)` : frame}`);
    return [
      `${cause.what}${cause.known ? " [a known limit]" : ""}`, `    in     ${cause.where}`, `    points ${points.length}, such as "${title(first)}"`,
      `    sent   ${sent[0]}`, `    linux  ${brief(first.linux)}`, `    here   ${brief(first.router)}`,
    ].join("\n");
  });
  const unexplained = worse.filter((one) => causeOf(one) < 0).map((one) => `no cause named yet: ${title(one)}`);
  return worse.length === 0 ? [] : ["", "Worse, what to mend first in front:", ...blocks.map((block, i) => `${String(i + 1).padStart(2)}. ${block}`), ...unexplained];
}

/** Every point in a line, differences in full, the counts at the end. */
export function table(all: Compared[], name: string): string {
  const blocks = all.map(({ linux, router, judgement }) => {
    const title = `${judgement.verdict.padEnd(8)}${linux.group}: ${linux.name} (${linux.rule})`;
    if (judgement.verdict === "same") return `${title}\n          both   ${brief(linux)}`;
    const side = (who: string, one: Observed): string[] => (one.lines.length === 0 ? ["silence"] : one.lines.slice(0, 8)).map((line) => `          ${who.padEnd(6)} ${line}`);
    const sent = linux.sent.slice(0, 3).map(({ link, frame }) => `          sent   ${link} ${frame.length > 400 ? `${frame.slice(0, 400)}… (${frame.length / 2} bytes)` : frame}`);
    const why = judgement.why === "" ? [] : [`          why    ${judgement.why}`];
    return [title, ...sent, ...side("linux", linux), ...side(name, router), ...why].join("\n");
  });
  return [...blocks, ...(name === "weft" ? toMend(all) : []), "", summary(all)].join("\n");
}
