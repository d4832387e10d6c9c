// What a demo tells: text for people as it goes, or one JSON object at the end.

import type { Control } from "../control/api.js";
import { grammar } from "./commands.js";

export class Report {
  readonly result: Record<string, unknown> = {};
  private readonly failures: string[] = [];

  constructor(private readonly json: boolean) {}

  section(title: string): void {
    this.line(`\n── ${title} ${"─".repeat(Math.max(3, 76 - title.length))}`);
  }

  line(text: string): void {
    if (!this.json) process.stdout.write(`${text}\n`);
  }

  /** Keeps a result for --json. */
  record(name: string, value: unknown): void {
    this.result[name] = value;
  }

  /** Tells whether something is as it should be; one that is not fails the demo. */
  check(ok: boolean, text: string): void {
    this.line(`${ok ? "  ok  " : "  FAIL"} ${text}`);
    if (!ok) this.failures.push(text);
  }

  /** Gives a router a command as one would type it, and shows it. */
  async command(control: Control, text: string): Promise<void> {
    this.line(`weft# ${text}`);
    const { command, values, json } = grammar.parse(text);
    await command.run({ control, out: (line) => this.line(line), signal: new AbortController().signal }, values, json);
  }

  /** Ends the report; gives the exit status. */
  end(): number {
    const ok = this.failures.length === 0;
    if (this.json) process.stdout.write(`${JSON.stringify({ ok, failures: this.failures, ...this.result })}\n`);
    else this.line(ok ? "\nDone: nothing was lost that should not be." : `\nFAILED: ${this.failures.join("; ")}`);
    return ok ? 0 : 1;
  }
}
