// The CPUs that this process may use.

import { readFileSync } from "node:fs";

/** The last of them: interrupts are seldom served there. */
export function lastCpu(): number {
  const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))![1]!;
  return Number(/\d+$/.exec(allowed)![0]);
}
