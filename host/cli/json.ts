// JSON objects as arguments of commands: {…}, or @FILE. JSON.parse reads them; what is wrong, and where, is found
// here, since JSON.parse words it differently from one Node to the next and does not always tell the place.

import { readFile } from "node:fs/promises";
import { WeftError } from "../errors.js";
import { quote } from "../nearest.js";

export interface JsonFault {
  /** place of the first character that is wrong, from 0 */
  at: number;
  /** 'expected "," or "]", not "x"' */
  what: string;
}

const BLANKS = /[ \t\r\n]*/y;
/** A text, another value without parts, or a sign. */
const TOKEN =
  /("[^"\\\0-\x1f]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[^"\\\0-\x1f]*)*")|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\]:,]/y;

/** What may come next, as messages say it. */
const EXPECTED = {
  object: '"{"',
  value: "a value",
  "value or ]": 'a value or "]"',
  name: "a name in double quotes",
  "name or }": 'a name in double quotes or "}"',
  ":": '":"',
  "}": '"," or "}"',
  "]": '"," or "]"',
  end: "nothing more",
};
type State = keyof typeof EXPECTED;
type Closer = "}" | "]";

/** The text that a `<json>` stands for: itself, or a file's. */
export async function jsonText(argument: string): Promise<string> {
  if (!argument.startsWith("@")) return argument;
  const file = argument.slice(1);
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw new WeftError(cause.code === "ENOENT" ? "NOT_FOUND" : "SYSTEM", `cannot read ${file}: ${cause.code}`, { cause });
  });
  const text = new TextDecoder().decode(bytes); // which leaves out a byte order mark
  const fault = jsonFault(text);
  if (fault === undefined) return text.trim();
  const before = text.slice(0, fault.at).split("\n");
  throw new WeftError("BAD_ARGUMENT", `${file}:${before.length}:${before.at(-1)!.length + 1}: ${fault.what}`);
}

/** What keeps a text from being a JSON object. */
export function jsonFault(text: string): JsonFault | undefined {
  try {
    JSON.parse(text);
    if (/^\s*\{/.test(text)) return undefined;
  } catch {
    // to be looked for
  }
  const open: Closer[] = [];
  let state: State = "object";
  for (let at = skip(BLANKS, text, 0); ; at = skip(BLANKS, text, TOKEN.lastIndex)) {
    TOKEN.lastIndex = at;
    const [token, string] = TOKEN.exec(text) ?? [];
    const next: State | undefined = token === undefined ? undefined : step(state, open, token, string !== undefined);
    if (next === undefined) return { at, what: fault(state, token, text[at]) };
    state = next;
  }
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  pattern.test(text);
  return pattern.lastIndex;
}

/** The state after a token; undefined when it is wrong here. Keeps what is open up to date. */
function step(state: State, open: Closer[], token: string, string: boolean): State | undefined {
  if (token === state || state.endsWith(` or ${token}`)) return token === ":" ? "value" : closed(open);
  if (state === "name" || state === "name or }") return string ? ":" : undefined;
  if (state === "}" || state === "]") return token !== "," ? undefined : state === "}" ? "name" : "value";
  if (state === "object" ? token !== "{" : !state.startsWith("value")) return undefined;
  if (token === "{" || token === "[") {
    open.push(token === "{" ? "}" : "]");
    return token === "{" ? "name or }" : "value or ]";
  }
  return /^[}\]:,]/.test(token) ? undefined : (open.at(-1) ?? "end");
}

function closed(open: Closer[]): State {
  open.pop();
  return open.at(-1) ?? "end";
}

function fault(state: State, token: string | undefined, character: string | undefined): string {
  if (character === undefined) return `expected ${EXPECTED[state]}, but it ends here`;
  if (character === '"' && token === undefined) return "the text that begins here is not closed, or has a wrong escape in it";
  return `expected ${EXPECTED[state]}, not ${quote(character)}`;
}
