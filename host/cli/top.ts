// weft top: a running router's rates and clocks, node by node, on a terminal or once.

import { setTimeout as sleep } from "node:timers/promises";
import { WeftError } from "../errors.js";
import { quote } from "../nearest.js";
import { remote } from "./ctl.js";
import { FullScreen } from "./full-screen.js";
import { parseOptions } from "./options.js";
import type { Output } from "./session.js";
import { defaultSocketPath } from "./socket.js";
import { type Rates, type Reading, rates, reading } from "./top-rates.js";
import { HISTORY, ORDERS, type Order, printable, screen } from "./top-screen.js";

const SECONDS_LEAST = 0.1;
const SECONDS_MOST = 60;
/** of one measurement that goes to a file or a pipe, where there is no screen */
const COLUMNS = 100;
const HELP = [
  "q quit   p pause   s sort by clocks, packets, name   h this help", "",
  "in, out, dropped: packets a second. busy: how much of its time each worker had packets in hand.",
  "Share: of all nodes' clocks. Clk/pkt: TSC clocks that the node takes for a packet.",
  "Vec/call: packets a node has at a time; the more, the cheaper each.",
  `Past: packets a second of the last ${HISTORY} measurements, each beside the node's own most.`,
  "The node in colour takes most; in red: it trapped, and lost packets.",
];

/** The exit status. Throws NOT_RUNNING, BAD_COMMAND. */
export async function top(argv: string[], output: Output): Promise<number> {
  const { values, positionals } = parseOptions("top", argv);
  if (positionals.length > 0) throw new WeftError("BAD_COMMAND", `weft top takes no ${quote(positionals[0]!)} (weft top --help)`);
  const ms = 1000 * interval(values.interval as string | undefined);
  const source = new Source((values.socket as string | undefined) ?? defaultSocketPath());
  const live = process.stdout.isTTY && process.env.TERM !== "dumb" && !values.once && !values.json;
  if (live) return new Top(source, ms).run();

  const measured = await source.measure(ms);
  output.out(values.json ? `${JSON.stringify(measured)}\n` : `${once(measured).join("\n")}\n`);
  return 0;
}

function interval(text = "1"): number {
  const seconds = Number(text);
  if (text.trim() !== "" && seconds >= SECONDS_LEAST && seconds <= SECONDS_MOST) return seconds;
  throw new WeftError("BAD_COMMAND", `bad value ${quote(text)} of --interval: expected seconds from ${SECONDS_LEAST} to ${SECONDS_MOST}`);
}

function once(measured: Rates): string[] {
  return screen({ rates: measured, history: new Map(), order: "clocks", paused: false, colours: false }, COLUMNS, Infinity);
}

/** A router behind its control socket, and what it said last. */
class Source {
  private before: Reading | undefined;

  constructor(readonly path: string) {}

  /** Waits until there is a difference to what was read before. Throws NOT_RUNNING; what the signal aborts is rejected with AbortError. */
  async measure(ms: number, signal = new AbortController().signal): Promise<Rates> {
    this.before ??= await this.read(signal);
    for (;;) {
      await sleep(ms, undefined, { signal });
      const now = await this.read(signal);
      const found = rates(this.before, now);
      this.before = now;
      if (found) return found;
    }
  }

  private async read(signal: AbortSignal): Promise<Reading> {
    const router = remote(this.path, true);
    const said = async (line: string): Promise<string> => {
      let [text, failure] = ["", ""];
      await router.run(line, { out: (more) => (text += more), error: (more) => (failure += more) }, signal);
      signal.throwIfAborted();
      if (failure !== "") throw new WeftError("SYSTEM", `the router says: ${printable(failure.trimEnd().replace(/^weft: /, ""))}`);
      return text;
    };
    const [runtime, balance] = await Promise.all([said("show runtime"), said("show balance")]);
    return reading(runtime, balance);
  }
}

class Top {
  private rates: Rates | undefined;
  private readonly history = new Map<string, number[]>();
  private order: Order = "clocks";
  private paused = false;
  private helping = false;
  private readonly quit = new AbortController();
  private readonly screen: FullScreen;

  constructor(private readonly source: Source, private readonly ms: number) {
    this.screen = new FullScreen((key) => this.type(key), () => this.draw());
  }

  /** Until a key or a signal ends it. */
  async run(): Promise<number> {
    const signal = AbortSignal.any([this.quit.signal, this.screen.ended]);
    try {
      while (!signal.aborted) {
        const measured = await this.source.measure(this.ms, signal);
        if (this.paused) continue;
        this.rates = measured;
        this.remember(measured);
        this.draw();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      this.screen.close();
    }
    return 0;
  }

  private remember({ rxRate, nodes }: Rates): void {
    const now = new Map([["", rxRate], ...nodes.map(({ name, rate }) => [name, rate] as const)]);
    for (const name of new Set([...this.history.keys(), ...now.keys()])) {
      const past = [...(this.history.get(name) ?? []), now.get(name) ?? 0].slice(-HISTORY);
      if (past.some((rate) => rate > 0) || name === "") this.history.set(name, past);
      else this.history.delete(name);
    }
  }

  private type(key: string): void {
    if (key === "q" || key === "Q") return this.quit.abort();
    if (key === "p" || key === " ") this.paused = !this.paused;
    else if (key === "s") this.order = ORDERS[(ORDERS.indexOf(this.order) + 1) % ORDERS.length]!;
    else if (key === "h" || key === "?") this.helping = !this.helping;
    else if (this.helping) this.helping = false;
    else return;
    this.draw();
  }

  private draw(): void {
    const { screen: terminal, rates: measured, history, order, paused } = this;
    if (terminal === undefined) return; // it draws as soon as it is there
    const [columns, rows] = [terminal.columns, terminal.rows];
    const title = `weft top  ${printable(this.source.path)}  h help, q quit`.slice(0, columns);
    const lines = this.helping ? HELP.map((line) => line.slice(0, columns))
      : measured === undefined ? ["measuring …".slice(0, columns)]
        : screen({ rates: measured, history, order, paused, colours: !process.env.NO_COLOR }, columns, rows - 1);
    terminal.show([title, ...lines].slice(0, rows));
  }
}
