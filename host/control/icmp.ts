// What the nodes that send ICMP messages need to know: how often they may, and what time it is.

import type { Tables } from "../memory/tables.js";
import { WeftError } from "../errors.js";
import type { IcmpLimits } from "./api.js";

/** The limits that Linux has had by default for twenty years (net.ipv4.icmp_ratelimit, icmp_msgs_per_sec, icmp_msgs_burst). */
const DEFAULTS: IcmpLimits = { interval: 1000, rate: 1000, burst: 50 };
const INTERVAL_MAX = 3_600_000;
const RATE_MAX = 1_000_000;

export class Icmp {
  private current = DEFAULTS;

  /** Each of the workers keeps to its share of what may be sent, so that all together do. */
  constructor(private readonly tables: Tables, private readonly workers: number) {
    this.write(DEFAULTS);
    this.tick();
  }

  limits(): IcmpLimits {
    return { ...this.current };
  }

  /** What is not given stays. Throws BAD_ARGUMENT. */
  setLimits(limits: Partial<IcmpLimits>): void {
    const { interval = this.current.interval, rate = this.current.rate, burst = this.current.burst } = limits;
    const next = { interval, rate, burst };
    check("interval", next.interval, 0, INTERVAL_MAX);
    check("rate", next.rate, 0, RATE_MAX);
    check("burst", next.burst, 1, RATE_MAX);
    this.write(next);
    this.current = next;
  }

  private write({ interval, rate, burst }: IcmpLimits): void {
    const share = (all: number): number => (all === 0 ? 0 : Math.max(1, Math.floor(all / this.workers)));
    this.tables.writeIcmpLimits({ interval: interval * this.workers, rate: share(rate), burst: share(burst) });
  }

  /** Called about once a second: the time of day may have been set. */
  tick(): void {
    this.tables.writeClock(Date.now() - performance.now());
  }
}

function check(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new WeftError("BAD_ARGUMENT", `ICMP limits: ${name} ${value}: expected a whole number from ${least} to ${most}`);
}
