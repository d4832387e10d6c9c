// watch [-n SECONDS] COMMAND at a prompt: shows a command's output again and again, like watch(1).

import { setTimeout as sleep } from "node:timers/promises";
import type { Output, Session } from "./session.js";

const SECONDS_LEAST = 0.1;
const SECONDS_MOST = 3600;
/** The terminal's other screen, its beginning, and what is below: console_codes(4), xterm's private modes. */
const ENTER = "\x1b[?1049h";
const LEAVE = "\x1b[?1049l";
const HOME = "\x1b[H\x1b[J";

export interface Watched {
  line: string;
  seconds: number;
}

/** What is to be watched; undefined: the line says nothing of it; null: it says it wrongly, and the output was told. */
export function watchedLine(text: string, output: Output): Watched | null | undefined {
  const [, n, line] = /^watch(?:\s+-n\s*(\S+))?(?:\s+(.*))?$/.exec(text) ?? [];
  if (!/^watch(\s|$)/.test(text)) return undefined;
  const seconds = n === undefined ? 2 : Number(n);
  if (line !== undefined && seconds >= SECONDS_LEAST && seconds <= SECONDS_MOST) return { line, seconds };
  output.error(line === undefined
    ? 'weft: "watch" needs a command: watch [-n SECONDS] show interface\n'
    : `weft: bad number of seconds ${JSON.stringify(n)}: expected one from ${SECONDS_LEAST} to ${SECONDS_MOST}, such as: watch -n 2 show runtime\n`);
  return null;
}

/** Until a key is pressed, the command fails, or it is aborted. */
export async function watch(
  session: Session, { line, seconds }: Watched, input: NodeJS.ReadStream, output: Output, signal: AbortSignal,
): Promise<void> {
  const ended = new AbortController();
  const end = (): void => ended.abort();
  signal.addEventListener("abort", end, { once: true });
  input.once("keypress", end);
  process.stdout.write(ENTER);
  let failure = "";
  try {
    while (!ended.signal.aborted && failure === "") {
      const shown: string[] = [];
      const collect: Output = { out: (text) => void shown.push(text), error: (text) => (failure += text) };
      await session.run(line, collect, ended.signal);
      process.stdout.write(screen(`Every ${seconds} s: ${line}`, shown.join("")));
      await pause(seconds * 1000, ended.signal);
    }
  } finally {
    input.off("keypress", end);
    signal.removeEventListener("abort", end);
    process.stdout.write(LEAVE);
  }
  if (failure !== "" && !signal.aborted) output.error(failure);
}

/** As much as fits the terminal. */
function screen(title: string, text: string): string {
  const { columns = 80, rows = 24 } = process.stdout;
  const lines = [title, "", ...text.trimEnd().split("\n")].slice(0, rows - 1);
  return `${HOME}${lines.map((one) => one.slice(0, columns)).join("\n")}\n`;
}

/** Not longer than until it is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => {});
}
