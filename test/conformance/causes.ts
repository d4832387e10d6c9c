// What stands behind the points in which weft is worse, in the order in which it ought to be mended: a point belongs to the first cause
// that names it. "known": the README's limits say so already.

export interface Cause {
  points: RegExp;
  what: string;
  where: string;
  known: boolean;
}

export const CAUSES: Cause[] = [
];
