// A program on a terminal of its own (python3's pty), typed to and read from.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import * as assert from "uvu/assert";
import { DIE_WITH_PARENT, ended } from "../../host/lab/command.js";
import { until } from "./weft.js";

/** Copies between our pipes and the terminal; gives the program's status. */
const RELAY = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])) % 256)";
/** ms; a shell on a busy machine takes its time */
const PATIENCE = 40_000;
const SIZE = 'stty cols 120 rows 40; exec "$@"';

export class Terminal {
  /** what came since the last step, without the sequences that move the cursor and the like */
  text = "";
  /** all that came, with them */
  all = "";
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #ended: Promise<number>;

  constructor(command: string[], env: NodeJS.ProcessEnv = {}) {
    const words = [...DIE_WITH_PARENT, "python3", "-c", RELAY, "sh", "-c", SIZE, "sh", ...command];
    this.#process = spawn(words[0]!, words.slice(1), { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, TERM: "xterm", ...env } });
    let raw = "";
    this.#process.stdout.setEncoding("utf8").on("data", (more: string) => {
      this.all += more;
      raw += more;
      const whole = raw.lastIndexOf("\x1b") > raw.length - 8 ? raw.lastIndexOf("\x1b") : raw.length; // a sequence may not have come whole
      this.text += plain(raw.slice(0, whole));
      raw = raw.slice(whole);
      const rest = plain(raw);
      if (!rest.includes("\x1b")) [this.text, raw] = [this.text + rest, ""];
    });
    this.#ended = ended(this.#process);
  }

  /** Types, and waits for what comes then; gives it. */
  async type(keys: string, expected: RegExp): Promise<string> {
    this.press(keys);
    return this.see(expected);
  }

  press(keys: string): void {
    this.text = "";
    this.#process.stdin.write(keys);
  }

  async see(expected: RegExp): Promise<string> {
    await until(`${expected} on the terminal`, () => expected.test(this.text), PATIENCE).catch((error: Error) =>
      assert.unreachable(`${error.message}; there is ${JSON.stringify(this.text)}`));
    return this.text;
  }

  /** The program's exit status. */
  end(): Promise<number> {
    return this.#ended;
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }
}

/** ECMA-48 control sequences, and carriage returns. */
function plain(text: string): string {
  return text.replace(/\x1b\[[0-?]*[ -/]*[@-~]|\x1b[=>78]/g, "").replaceAll("\r", "");
}
