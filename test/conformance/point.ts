// A point of the comparison: what is sent, and nothing of what is expected. That is Linux' to say.

import type { Lab } from "./lab.js";

export interface Point {
  name: string;
  /** what speaks of it */
  rule: string;
  run: (lab: Lab) => void | Promise<void>;
  /** frames may come in any order */
  anyOrder?: boolean;
}

export interface Group {
  name: string;
  points: Point[];
}

export function group(name: string, build: (point: (name: string, rule: string, run: Point["run"], more?: Partial<Point>) => void) => void): Group {
  const points: Point[] = [];
  build((title, rule, run, more) => points.push({ name: title, rule, run, ...more }));
  return { name, points };
}
