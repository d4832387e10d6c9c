// The lines that were typed at prompts, kept for the next one in a file that nobody else can read.

import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";

export const HISTORY_MAX = 1000;
const LINE_MAX = 4096;

/** By the XDG Base Directory Specification: state that lasts from one start to the next. */
export function historyFile(env: NodeJS.ProcessEnv = process.env, home = homedir()): string {
  const state = env.XDG_STATE_HOME;
  return join(state !== undefined && isAbsolute(state) ? state : join(home, ".local/state"), "weft/history");
}

/** A history that cannot be kept is no reason to have no prompt: then it lasts as long as that. */
export class History {
  /** the newest first, as readline wants them */
  readonly lines: string[];

  constructor(private readonly file: string) {
    const kept = this.read();
    this.lines = kept.slice(-HISTORY_MAX).reverse();
    if (kept.length > HISTORY_MAX) this.try(() => writeFileSync(file, kept.slice(-HISTORY_MAX).map((line) => `${line}\n`).join(""), { mode: 0o600 }));
  }

  add(line: string): void {
    if (line.length > LINE_MAX) return;
    this.try(() => {
      mkdirSync(dirname(this.file), { recursive: true, mode: 0o700 });
      appendFileSync(this.file, `${line}\n`, { mode: 0o600 });
    });
  }

  private read(): string[] {
    try {
      const lines = readFileSync(this.file, "utf8").split("\n").filter((line) => line !== "");
      chmodSync(this.file, 0o600);
      return lines;
    } catch {
      return [];
    }
  }

  private try(change: () => void): void {
    try {
      change();
    } catch {
      // read-only, full, not ours
    }
  }
}
