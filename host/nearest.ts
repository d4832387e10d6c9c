// "Did you mean": the right word that a wrong one was probably meant to be.

/** Edits between two words: insert, delete, replace, swap of neighbours (Damerau-Levenshtein, optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, replace);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}

/** The candidate nearest to a word, or to which the word is nearly a prefix; undefined when none is near enough to be meant. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  if (word === "" || word.length > 64) return undefined; // a hostile word is not worth the time
  let best: string | undefined;
  let least = Math.floor(word.length / 3) + 1;
  for (const candidate of candidates) {
    const whole = editDistance(word, candidate);
    // People mistype prefixes as well ("sh itn"); a whole word that is as near wins.
    const distance = Math.min(whole, editDistance(word, candidate.slice(0, word.length)) + 0.5);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** A word as messages show it: quoted, control characters escaped, shortened when it is very long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 117)}...` : text);
}

/** The end of a message about a wrong word: `: did you mean "interface"? expected one of: address, interface` */
export function suggestion(word: string, candidates: string[], others: string[] = []): string {
  const near = nearest(word, candidates);
  const expected = [...candidates, ...others];
  const list = expected.length === 1 ? expected[0] : `one of: ${expected.join(", ")}`;
  return `${near === undefined ? "" : `: did you mean ${quote(near)}?`}${near === undefined ? ": " : " "}expected ${list}`;
}
