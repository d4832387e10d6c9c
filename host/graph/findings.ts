// What is wrong with a module, as its verification finds it.

import { quote } from "../nearest.js";

export interface Finding {
  what: string;
  /** offset in the file */
  at: number | null;
  function: { index: number; name: string | null } | null;
  mend: string | null;
}

/** So many are kept; a hostile file can have a million. */
const FINDINGS_MAX = 100;

export class Findings {
  readonly list: Finding[] = [];
  /** found as well, and left off */
  more = 0;

  add(what: string, at: number | null = null, mend: string | null = null, functionIndex?: number): void {
    const place = functionIndex === undefined ? null : { index: functionIndex, name: null };
    if (this.list.length < FINDINGS_MAX) this.list.push({ what, at, function: place, mend });
    else this.more++;
  }
}

/** A finding on one line: what, where: how to mend it. */
export function findingText({ what, at, function: place, mend }: Finding): string {
  const inside = place === null ? "" : ` in function ${place.index}${place.name === null ? "" : ` (${place.name})`}`;
  return `${what}${inside}${at === null ? "" : ` at ${hex(at)}`}${mend === null ? "" : `: ${mend}`}`;
}

export function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** A name out of a module, quoted, without what could move the terminal's cursor. */
export function quoted(name: string): string {
  return quote(printable(name));
}

export function printable(name: string): string {
  return name.replace(/[^ -~]/g, "?");
}
