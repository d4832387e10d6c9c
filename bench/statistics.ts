// Order statistics, and whether two sets of measurements differ.

/** The value below which a share `q` of all lie; the values need not be sorted. */
export function quantile(values: number[], q: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low]! + (at - low) * ((sorted[low + 1] ?? sorted[low]!) - sorted[low]!);
}

/**
 * Mann and Whitney's U test (Annals of Mathematical Statistics 18, 1947): the probability that two samples of one distribution lie as far
 * apart as these, or farther. All ways to divide the values are counted, so it is exact, ties included; for at most 12 values a side.
 */
export function differs(a: number[], b: number[]): number {
  const all = [...a, ...b];
  const above = (mine: number[], theirs: number[]): number =>
    mine.reduce((sum, x) => sum + theirs.reduce((wins, y) => wins + (x > y ? 1 : x === y ? 0.5 : 0), 0), 0);
  const middle = (a.length * b.length) / 2;
  const seen = Math.abs(above(a, b) - middle);
  let [ways, asFar] = [0, 0];
  const choose = (from: number, mine: number[], theirs: number[]): void => {
    if (mine.length > a.length || theirs.length > b.length) return;
    if (from < all.length) {
      choose(from + 1, [...mine, all[from]!], theirs);
      return choose(from + 1, mine, [...theirs, all[from]!]);
    }
    ways++;
    if (Math.abs(above(mine, theirs) - middle) >= seen - 1e-9) asFar++;
  };
  choose(0, [], []);
  return asFar / ways;
}
