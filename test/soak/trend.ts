// Whether something grows: a slope that outliers do not move, and how sure it is.

export interface Point {
  /** seconds */
  time: number;
  value: number;
}

export interface Trend {
  /** the median of the slopes between all pairs of points (Theil and Sen), a second */
  slope: number;
  /** what the slope is at least, and at most, with 95 % confidence (Sen 1968; the points taken as independent) */
  least: number;
  most: number;
}

const NORMAL_95 = 1.96;

/** Of at least three points; of fewer, or all at one time, nothing can be said: the bounds are infinite. */
export function trend(points: Point[]): Trend {
  const slopes: number[] = [];
  for (const [i, from] of points.entries()) {
    for (const to of points.slice(i + 1)) if (to.time !== from.time) slopes.push((to.value - from.value) / (to.time - from.time));
  }
  const n = points.length;
  if (n < 3 || slopes.length === 0) return { slope: 0, least: -Infinity, most: Infinity };
  const sorted = Float64Array.from(slopes).sort();
  const at = (place: number): number => sorted[Math.min(Math.max(Math.round(place), 0), sorted.length - 1)]!;
  // the variance of Kendall's S, without ties
  const spread = NORMAL_95 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
  const middle = (sorted.length - 1) / 2;
  return { slope: at(middle), least: at(middle - spread / 2), most: at(middle + spread / 2) };
}

/** The last two thirds: what a process takes to warm up is no growth. */
export function settledPart<T>(points: T[]): T[] {
  return points.slice(Math.floor(points.length / 3));
}
