// All kinds of abuse, and how much of each.

import { SCANS } from "./scans.js";
import type { Scenario, Sizes } from "./scenario.js";
import { STORMS } from "./storms.js";

/** Those after which the counters of hosts and router can still be compared come first. */
export const SCENARIOS: Scenario[] = [...SCANS, ...STORMS];

/** For every run of the tests. */
export const SHORT: Sizes = { frames: 50_000, arps: 10_000, packets: 5, ports: 100, addresses: 200, flaps: 24, moves: 4, removals: 4 };
/** For an evening. */
export const LONG: Sizes = { frames: 1_000_000, arps: 300_000, packets: 2000, ports: 5000, addresses: 1000, flaps: 120, moves: 40, removals: 60 };
