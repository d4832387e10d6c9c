// ping: echo requests from the router, one every interval, and their replies.

import { WeftError } from "../errors.js";
import type { FromEngine, ToEngine } from "../graph/messages.js";
import { formatIp4, parseIp4 } from "./addresses.js";
import type { PingOptions, PingResult } from "./api.js";
import { isHost } from "./own-addresses.js";

/** 65,535 bytes of IP packet (RFC 791, 3.1) without its header and that of the echo. */
const PING_SIZE_MAX = 65_507;
/** The last reply is waited for so long, ms: at least, and where none has come yet. */
const REPLY_MIN = 1000;
const SILENCE = 5000;

/** Worker that sends what the router itself has to say; replies may come to any. */
export const SENDER = 0;

type Report = Extract<FromEngine, { type: "ping-reply" | "ping-failed" }>;

/** A ping that runs: what has come back so far. */
class Running {
  readonly times: number[] = [];
  failure: WeftError | undefined;
  /** ends the sleep that lasts */
  wake: () => void = () => {};
  private readonly heard = new Set<number>();

  constructor(private readonly address: string, private readonly count: number, private readonly onReply: PingOptions["onReply"]) {}

  hear(report: Report): void {
    if (this.heard.has(report.sequence)) return; // another worker waited for it too
    this.heard.add(report.sequence);
    if (report.type === "ping-reply") {
      const { sequence, from, bytes, ttl, time } = report;
      this.times.push(time);
      this.onReply?.({ sequence, from: formatIp4(from), bytes, ttl, time });
    } else if (report.reason === "no-route") {
      this.failure = new WeftError("NOT_FOUND", `no route to ${this.address}, or no address to send from`);
    }
    if (this.failure || this.heard.size === this.count) this.wake();
  }

  fail(error: WeftError): void {
    this.failure = error;
    this.wake();
  }

  /** Waits `ms`, but not longer than until wake() is called. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

export class Pinger {
  /** by identifier */
  private readonly running = new Map<number, Running>();
  private nextId = 1 + Math.floor(Math.random() * 0xfff0);

  /** `post`: to all workers, or to one; `expect`: resolves when the workers that do not send know of a request; null: there is but one worker. */
  constructor(
    private readonly post: (message: ToEngine, worker?: number) => void,
    private readonly expect: ((id: number, sequence: number) => Promise<void>) | null,
  ) {}

  receive(report: Report): void {
    this.running.get(report.id)?.hear(report);
  }

  /** What a worker must be told that takes another's place. */
  opened(): ToEngine[] {
    return [...this.running.keys()].map((id) => ({ type: "ping-open", id }));
  }

  /** No worker will send or hear any more. */
  fail(error: WeftError): void {
    for (const one of this.running.values()) one.fail(error);
  }

  /** Throws BAD_ARGUMENT for a value out of range, NOT_FOUND when no route leads there, WORKER. */
  async ping(address: string, options: PingOptions): Promise<PingResult> {
    const target = parseIp4(address);
    // RFC 1122 3.2.1.3: whatever routes there are, nothing leaves for such an address
    if (!isHost(target)) throw new WeftError("BAD_ARGUMENT", `ping: no host can have the address ${address}`);
    const { count = 5, interval = 1000, size = 56, timeout, signal, onReply } = options;
    check("count", count, 1, 65_535);
    check("interval", interval, 1, 3_600_000);
    check("size", size, 8, PING_SIZE_MAX);
    if (timeout !== undefined) check("timeout", timeout, 1, 3_600_000);

    const id = this.nextId;
    this.nextId = (this.nextId % 0xffff) + 1;
    const running = new Running(address, count, onReply);
    const stop = (): void => running.wake();
    this.post({ type: "ping-open", id });
    this.running.set(id, running);
    signal?.addEventListener("abort", stop);
    const begun = performance.now();
    let sent = 0;
    try {
      while (sent < count && !signal?.aborted && !running.failure) {
        sent++;
        if (this.expect) await this.expect(id, sent);
        this.post({ type: "ping", id, sequence: sent, target, size }, SENDER);
        await running.sleep(sent < count ? interval : (timeout ?? patience(running.times, performance.now() - begun)));
      }
    } finally {
      this.running.delete(id);
      signal?.removeEventListener("abort", stop);
      this.post({ type: "ping-close", id });
    }
    if (running.failure) throw running.failure;
    return summary(sent, running.times);
  }
}

/** How long the last reply is waited for, ms: by what the others took, as ping(8) does; `most`: none can have taken longer. */
function patience(times: number[], most: number): number {
  if (times.length === 0) return SILENCE;
  return Math.max(REPLY_MIN, ...times.filter((time) => time <= most).map((time) => 2 * time)); // who answers can say any time
}

function summary(sent: number, times: number[]): PingResult {
  const received = times.length;
  if (received === 0) return { sent, received, min: 0, average: 0, max: 0 };
  const average = times.reduce((sum, time) => sum + time, 0) / received;
  return { sent, received, min: Math.min(...times), average, max: Math.max(...times) };
}

function check(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new WeftError("BAD_ARGUMENT", `ping: ${name} ${value} is not a whole number from ${least} to ${most}`);
}
