// A command line's words. Blanks part them, but for two that have blanks of their own: a JSON object, which ends
// where its first brace is closed, and a text in double quotes.

const BLANKS = /\s*/y;
const BARE = /\S+/y;
const QUOTED = /"[^"\\]*(?:\\[^][^"\\]*)*"/y;
/** What counts when looking for an object's end: braces, but not those in its texts, the last of which may lack its end. */
const IN_OBJECT = /"[^"\\]*(?:\\[^][^"\\]*)*"?|[{}]/g;

/** A text in quotes stands without them. */
export function words(line: string): string[] {
  return [...scan(line)].map(([start, end]) => unquoted(line.slice(start, end)));
}

/** A line of a script as far as a word that begins with "#". */
export function withoutComment(line: string): string {
  for (const [start] of scan(line)) if (line[start] === "#") return line.slice(0, start);
  return line;
}

/** Something as one word of a line. */
export function asWord(text: string): string {
  return /^"|\s/.test(text) && !text.startsWith("{") ? JSON.stringify(text) : text;
}

/** Where each word begins and ends. */
function* scan(line: string): Generator<[start: number, end: number]> {
  for (let start = match(BLANKS, line, 0)!; start < line.length;) {
    const end = line[start] === "{" ? endOfObject(line, start) : (match(QUOTED, line, start) ?? match(BARE, line, start)!);
    yield [start, end];
    start = match(BLANKS, line, end)!;
  }
}

function match(pattern: RegExp, line: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(line) ? pattern.lastIndex : undefined;
}

/** An object that is never closed takes the whole line: what it lacks is for those who read it to say. */
function endOfObject(line: string, start: number): number {
  IN_OBJECT.lastIndex = start;
  let depth = 0;
  for (let part = IN_OBJECT.exec(line); part !== null; part = IN_OBJECT.exec(line)) {
    if (part[0] === "{") depth++;
    else if (part[0] === "}" && --depth === 0) return IN_OBJECT.lastIndex;
  }
  return line.length;
}

function unquoted(word: string): string {
  if (!/^".+"$/s.test(word)) return word;
  try {
    return (JSON.parse(word) as string) || word;
  } catch {
    return word;
  }
}
