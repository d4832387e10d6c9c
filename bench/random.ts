// Numbers that look random and are the same in each run: xorshift32 (Marsaglia, Journal of Statistical Software 8/14, 2003).

/** A function that gives integers from 0 to 2^32 - 1. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
}
