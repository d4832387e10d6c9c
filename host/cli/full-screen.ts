// A terminal's other screen, for what fills it: whatever ends the program but SIGKILL, the terminal is as it was.

import { writeSync } from "node:fs";

/** console_codes(4), xterm's private modes: the other screen, no cursor, lines that do not wrap; and back. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l";
const HOME = "\x1b[H";
const END_OF_LINE = "\x1b[K";
const END_OF_SCREEN = "\x1b[J";
const CTRL_C = "\x03";
const CTRL_Z = "\x1a";
/** In place of their default, which would leave the terminal as it is. */
const ENDS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export class FullScreen {
  #on = false;
  readonly #ended = new AbortController();
  /** aborted by Ctrl-C, a signal, or where there is no terminal any more */
  readonly ended = this.#ended.signal;

  /** `key`: of each character that is typed; `draw`: the screen has another size, or is there again. */
  constructor(private readonly key: (character: string) => void, private readonly draw: () => void) {
    process.on("exit", this.#leave).on("uncaughtExceptionMonitor", this.#leave); // which comes before Node tells of it
    for (const signal of ENDS) process.on(signal, this.#end);
    process.on("SIGTSTP", this.#suspend).on("SIGCONT", this.#enter);
    process.stdout.on("resize", this.draw).on("error", this.#end);
    if (process.stdin.isTTY) process.stdin.setEncoding("utf8").on("data", this.#typed).on("end", this.#end).on("error", this.#end);
    this.#enter();
  }

  get columns(): number {
    return process.stdout.columns || 80; // a terminal that does not know its size says 0
  }

  get rows(): number {
    return process.stdout.rows || 24;
  }

  /** From the first line on; what stood there is gone. */
  show(lines: string[]): void {
    if (this.#on) process.stdout.write(HOME + lines.map((line) => line + END_OF_LINE).join("\n") + END_OF_SCREEN);
  }

  close(): void {
    this.#leave();
    process.off("exit", this.#leave).off("uncaughtExceptionMonitor", this.#leave).off("SIGTSTP", this.#suspend).off("SIGCONT", this.#enter);
    for (const signal of ENDS) process.off(signal, this.#end);
    process.stdout.off("resize", this.draw).off("error", this.#end);
    process.stdin.off("data", this.#typed).off("end", this.#end).off("error", this.#end).pause();
  }

  readonly #enter = (): void => {
    if (process.stdin.isTTY) process.stdin.setRawMode(true);
    this.#on = true;
    process.stdout.write(ENTER);
    this.draw();
  };

  /** At once, since the program may be about to end. */
  readonly #leave = (): void => {
    if (!this.#on) return;
    this.#on = false;
    try {
      writeSync(1, LEAVE);
      if (process.stdin.isTTY) process.stdin.setRawMode(false);
    } catch {
      // there is no terminal any more
    }
  };

  readonly #end = (): void => this.#ended.abort();

  readonly #suspend = (): void => {
    this.#leave();
    process.kill(process.pid, "SIGSTOP");
  };

  readonly #typed = (text: string): void => {
    for (const character of text) {
      if (character === CTRL_C) this.#end();
      else if (character === CTRL_Z) process.kill(0, "SIGTSTP"); // the whole job, as the terminal does it
      else this.key(character);
    }
  };
}
