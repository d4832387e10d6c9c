// A prompt: lines from a terminal, with history, completion and help; or from anything else, as a script.

import { type Interface, createInterface } from "node:readline";
import { type Choices, choicesText } from "./choices.js";
import { filesLike } from "./files.js";
import { HISTORY_MAX, History, historyFile } from "./history.js";
import type { Output, Session } from "./session.js";
import { watchedLine, watch } from "./watch.js";
import { asWord, withoutComment } from "./words.js";

const PROMPT = "weft# ";
const ENDS = ["quit", "exit"];
/** What the prompt understands itself. */
const OWN: [word: string, help: string][] = [
  ["exit", "leave"], ["help", "all commands, or those that begin with some words"], ["quit", "leave"],
  ["watch", "[-n SECONDS] COMMAND: show it again and again"],
];

/** What a router of this process tells by itself: a prompt puts it above its line. */
export interface Notices {
  tell: (line: string) => void;
}

/** Talks until the end of the input or the signal; gives the exit status, of a script that of its last command. */
export function converse(session: Session, input: NodeJS.ReadStream, output: Output, signal?: AbortSignal, notices?: Notices): Promise<number> {
  return input.isTTY && process.stdout.isTTY ? new Prompt(session, input, output).run(signal, notices) : script(session, input, output, signal);
}

/** Line by line, so that a program can write a line and read the answer; ends with the first that fails. */
async function script(session: Session, input: NodeJS.ReadStream, output: Output, signal = new AbortController().signal): Promise<number> {
  let number = 0;
  const lines = createInterface({ input, crlfDelay: Infinity });
  signal.addEventListener("abort", () => lines.close(), { once: true });
  for await (const text of lines) {
    number++;
    const line = withoutComment(text).trim();
    if (line === "" || signal.aborted) continue;
    if (ENDS.includes(line)) break;
    const place = (message: string): void => output.error(message.replace(/^weft: /, `weft: standard input:${number}: `));
    const status = await session.run(line, { out: output.out, error: place }, signal);
    if (status !== 0) return status;
  }
  return 0;
}

class Prompt {
  private readonly lines: Interface;
  private readonly history = new History(historyFile());
  /** the command that runs; null: none does */
  private running: AbortController | null = null;
  private readonly waiting: string[] = [];

  constructor(private readonly session: Session, private readonly input: NodeJS.ReadStream, private readonly output: Output) {
    const completer = (line: string, done: (error: null, result: [string[], string]) => void): void => {
      void this.complete(line).then((result) => done(null, result));
    };
    const kept = { history: this.history.lines, historySize: HISTORY_MAX, removeHistoryDuplicates: true };
    this.lines = createInterface({ input, output: process.stdout, prompt: PROMPT, completer, ...kept });
  }

  /** Until "quit", Ctrl-D or the signal. */
  run(signal?: AbortSignal, notices?: Notices): Promise<number> {
    if (notices) this.above(notices);
    return new Promise((resolve, reject) => {
      const { lines, input } = this;
      const key = (text: string | undefined): void => { if (text === "?") void this.help(); };
      const end = (): void => lines.close();
      lines.on("line", (line) => {
        this.waiting.push(line);
        if (this.running === null) this.work().catch((error: unknown) => { reject(error as Error); lines.close(); });
      });
      lines.on("SIGINT", () => this.interrupt());
      lines.on("close", () => {
        this.running?.abort();
        input.off("keypress", key);
        signal?.removeEventListener("abort", end);
        process.stdout.write("\n");
        resolve(0);
      });
      input.on("keypress", key);
      signal?.addEventListener("abort", end, { once: true });
      lines.prompt();
    });
  }

  private above(notices: Notices): void {
    const { tell } = notices;
    notices.tell = (line) => {
      process.stdout.write("\r\x1b[K");
      tell(line);
      if (this.running === null) this.lines.prompt(true);
    };
    this.lines.once("close", () => (notices.tell = tell));
  }

  private async work(): Promise<void> {
    for (let line = this.waiting.shift(); line !== undefined; line = this.waiting.shift()) {
      const text = line.trim();
      if (text === "") continue;
      this.history.add(text);
      if (ENDS.includes(text)) return this.lines.close();
      this.running = new AbortController();
      try {
        await this.execute(text, this.running.signal);
      } finally {
        this.running = null;
      }
    }
    this.lines.prompt();
  }

  private async execute(text: string, signal: AbortSignal): Promise<void> {
    const watched = watchedLine(text, this.output);
    if (watched === null) return;
    if (watched === undefined) return void (await this.session.run(text, this.output, signal));
    await watch(this.session, watched, this.input, this.output, signal);
    this.clearLine(); // of the key that ended it
  }

  /** Ctrl-C: ends a command, or abandons what was typed. */
  private interrupt(): void {
    if (this.running !== null) return this.running.abort();
    this.lines.write(null, { ctrl: true, name: "e" });
    process.stdout.write("^C\n");
    this.clearLine();
  }

  /** And draws the prompt. */
  private clearLine(): void {
    this.lines.write(null, { ctrl: true, name: "e" });
    this.lines.write(null, { ctrl: true, name: "u" });
  }

  /** "?" was typed and stands in the line already: shows what can come there, and takes it out. In texts and JSON it is a character like others. */
  private async help(): Promise<void> {
    const before = this.lines.line.slice(0, this.lines.cursor);
    if (this.running !== null || !before.endsWith("?") || /["{]/.test(before)) return;
    this.lines.write(null, { name: "backspace" });
    const text = choicesText(await this.choices(before.slice(0, -1)));
    process.stdout.write(`\n${text}\n`);
    this.lines.prompt(true);
  }

  private async complete(line: string): Promise<[string[], string]> {
    if (this.running !== null) return [[], line];
    const { partial, words, file } = await this.choices(line);
    const found = [...words.map(([word]) => word), ...(file ? filesLike(partial).map(asWord) : [])];
    const open = found.length === 1 && found[0]!.endsWith("/"); // a folder: more of the word follows
    return [found.map((word) => (found.length === 1 && !open ? `${word} ` : word)), partial];
  }

  /** With the prompt's own words. */
  private async choices(line: string): Promise<Choices> {
    const watched = /^\s*watch\s+(?:-n\s+\S+\s+)?/.exec(line);
    const choices = await this.session.choices(watched === null ? line : line.slice(watched[0].length));
    if (watched !== null || /\S\s/.test(line)) return choices;
    const own = OWN.filter(([word]) => word.startsWith(choices.partial));
    return { ...choices, words: [...choices.words, ...own].sort(([a], [b]) => (a < b ? -1 : 1)) };
  }
}
