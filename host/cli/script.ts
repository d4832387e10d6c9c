// Start-up scripts: one command a line; a word that begins with `#` begins a comment.

import { readFile } from "node:fs/promises";
import { WeftError } from "../errors.js";
import { grammar } from "./commands.js";
import type { Context, Parsed } from "./grammar.js";
import { withoutComment } from "./words.js";

export interface ScriptLine extends Parsed {
  /** "FILE:7" */
  place: string;
}

/** Reads and parses a whole script, so that an error anywhere in it changes nothing. */
export async function readScript(file: string): Promise<ScriptLine[]> {
  const text = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new WeftError(cause.code === "ENOENT" ? "NOT_FOUND" : "SYSTEM", `cannot read the start-up script ${file}: ${cause.code}`, { cause });
  });
  return parseScript(file, text);
}

export function parseScript(file: string, text: string): ScriptLine[] {
  return text.split("\n").flatMap((line, i) => {
    const command = withoutComment(line).trim();
    if (command === "") return [];
    const place = `${file}:${i + 1}`;
    try {
      return [{ ...grammar.parse(command), place }];
    } catch (error) {
      throw at(place, error);
    }
  });
}

/** Executes the lines in order; stops at the first that fails, or when aborted. */
export async function runScript(lines: ScriptLine[], context: Context): Promise<void> {
  for (const { place, command, values, json } of lines) {
    if (context.signal.aborted) return;
    try {
      await command.run(context, values, json);
    } catch (error) {
      throw at(place, error);
    }
  }
}

/** The same error with its place. A script that does not parse is a bad argument of `weft run`, not a mistyped command. */
function at(place: string, error: unknown): unknown {
  if (!(error instanceof WeftError)) return error;
  return new WeftError(error.code === "BAD_COMMAND" ? "BAD_ARGUMENT" : error.code, `${place}: ${error.message}`, { cause: error });
}
