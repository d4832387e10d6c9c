// ping: echo requests from the router, one every interval, and their replies.

import { WeftError } from "../errors.js";
import type { FromEngine, ToEngine } from "../graph/messages.js";
import { formatIp4, parseIp4 } from "./addresses.js";
import type { PingOptions, PingResult } from "./api.js";
import { isHost } from "./own-addresses.js";

/** 65,535 bytes of IP packet (RFC 791, 3.1) without its header and that of the echo. */
const PING_SIZE_MAX = 65_507;

/** Worker that sends what the router itself has to say; replies may come to any. */
export const SENDER = 0;

type Report = Extract<FromEngine, { type: "ping-reply" | "ping-failed" }>;

/** A ping that runs, by its identifier. */
interface Running {
  hear: (report: Report) => void;
  fail: (error: WeftError) => void;
}

export class Pinger {
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
    for (const { fail } of this.running.values()) fail(error);
  }

  /** Throws BAD_ARGUMENT for a value out of range, NOT_FOUND when no route leads there, WORKER. */
  async ping(address: string, options: PingOptions): Promise<PingResult> {
    const target = parseIp4(address);
    // RFC 1122 3.2.1.3: whatever routes there are, nothing leaves for such an address
    if (!isHost(target)) throw new WeftError("BAD_ARGUMENT", `ping: no host can have the address ${address}`);
    const { count = 5, interval = 1000, size = 56, timeout = 1000, signal, onReply } = options;
    check("count", count, 1, 65_535);
    check("interval", interval, 1, 3_600_000);
    check("size", size, 8, PING_SIZE_MAX);
    check("timeout", timeout, 1, 3_600_000);

    const id = this.nextId;
    this.nextId = (this.nextId % 0xffff) + 1;
    const times: number[] = [];
    let failure: WeftError | undefined;
    const wake = { now: (): void => {} };
    let answered = 0;
    const heard = new Set<number>();
    const hear = (report: Report): void => {
      if (heard.has(report.sequence)) return; // another worker waited for it too
      heard.add(report.sequence);
      answered++;
      if (report.type === "ping-failed") {
        if (report.reason === "no-route") failure = new WeftError("NOT_FOUND", `no route to ${address}, or no address to send from`);
      } else {
        times.push(report.time);
        onReply?.({ sequence: report.sequence, from: formatIp4(report.from), bytes: report.bytes, ttl: report.ttl, time: report.time });
      }
      if (failure || answered === count) wake.now();
    };
    const fail = (error: WeftError): void => {
      failure = error;
      wake.now();
    };
    const stop = (): void => wake.now();
    this.post({ type: "ping-open", id });
    this.running.set(id, { hear, fail });
    signal?.addEventListener("abort", stop);
    let sent = 0;
    try {
      while (sent < count && !signal?.aborted && !failure) {
        sent++;
        if (this.expect) await this.expect(id, sent);
        this.post({ type: "ping", id, sequence: sent, target, size }, SENDER);
        await sleep(sent < count ? interval : timeout, wake);
      }
    } finally {
      this.running.delete(id);
      signal?.removeEventListener("abort", stop);
      this.post({ type: "ping-close", id });
    }
    if (failure) throw failure;
    return summary(sent, times);
  }
}

/** Waits, but not longer than until `wake.now` is called. */
function sleep(ms: number, wake: { now: () => void }): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake.now = () => {
      clearTimeout(timer);
      resolve();
    };
  });
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
