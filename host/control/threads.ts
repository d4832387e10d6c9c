// The threads that a router runs on, as the kernel knows them: proc(5).

import { readFileSync } from "node:fs";
import type { ThreadInfo } from "./api.js";

/** In /proc/PID/task/TID/stat, counted from behind the name in parentheses: the CPU that the thread ran on last. */
const STAT_PROCESSOR = 36;

/** `clock`: of the thread's time on a CPU (addon.threadClock). Throws nothing: what is not known of a thread that has ended is null. */
export function threadInfo(id: number, name: string, type: ThreadInfo["type"], tid: number | null): ThreadInfo {
  const stat = tid === null ? null : read(`/proc/self/task/${tid}/stat`);
  const status = tid === null ? null : read(`/proc/self/task/${tid}/status`);
  const cpu = stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[STAT_PROCESSOR];
  const cpus = /^Cpus_allowed_list:\s*(\S+)/m.exec(status ?? "")?.[1] ?? null;
  const voluntary = Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status ?? "")?.[1] ?? 0);
  return { id, name, type, tid: stat === null ? null : tid, cpu: cpu === undefined ? null : Number(cpu), cpus, sleeps: voluntary };
}

/** A thread's clock has its number in it: CPUCLOCK_PID() in Linux' include/linux/posix-timers.h. */
export function threadOf(clock: number): number | null {
  return clock === -1 ? null : ~(clock >> 3);
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
