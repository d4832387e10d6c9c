// What a difference to Linux means. "worse" unless a rule here says otherwise, and a rule holds only for the answer that it names.

import type { Observed } from "./observe.js";

export type Verdict = "same" | "better" | "allowed" | "worse";

export interface Judgement {
  verdict: Verdict;
  why: string;
}

interface Rule {
  /** "group: point" */
  points: RegExp;
  /** every line of the router's observation, joined */
  answer: RegExp;
  verdict: "better" | "allowed";
  why: string;
}

const SILENT = /^$/;

const RULES: Rule[] = [
];

export function judge(point: string, linux: Observed, router: Observed): Judgement {
  if (same(linux, router)) return { verdict: "same", why: "" };
  const answer = router.lines.join("\n");
  const rule = RULES.find((one) => one.points.test(point) && one.answer.test(answer));
  return rule ? { verdict: rule.verdict, why: rule.why } : { verdict: "worse", why: "" };
}

export const same = (one: Observed, other: Observed): boolean => one.lines.join("\n") === other.lines.join("\n");

void SILENT;
