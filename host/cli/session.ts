// A router that one talks to in lines, in this process or behind a socket.

import type { Control } from "../control/api.js";
import { WeftError } from "../errors.js";
import { type Choices, choicesOf } from "./choices.js";
import { grammar } from "./commands.js";
import { exitStatus } from "./status.js";

/** Where output goes; the process' own streams unless a test says otherwise. */
export interface Output {
  out: (text: string) => void;
  error: (text: string) => void;
}

export interface Session {
  /** Runs a line to its end or until aborted; gives its exit status. What is wrong with it is told as an error line. Throws NOT_RUNNING. */
  run: (line: string, output: Output, signal: AbortSignal) => Promise<number>;
  choices: (line: string) => Promise<Choices>;
}

/** A router of this process. */
export function local(control: Control): Session {
  return {
    run: async (line, output, signal) => {
      try {
        const { command, values, json } = grammar.parse(line);
        return (await command.run({ control, out: (text) => output.out(`${text}\n`), signal }, values, json)) ?? 0;
      } catch (error) {
        if (!(error instanceof WeftError)) throw error;
        output.error(`weft: ${error.message}\n`);
        return exitStatus(error);
      }
    },
    choices: async (line) => choicesOf(control, line),
  };
}
