// What the router has told the operator: the last of its notices, each with its time and what it is about.

import type { LogClass, LogEntry } from "./api.js";

/** Notices that are kept; older ones go. */
const ENTRIES_MAX = 512;

export class Log {
  private entries: LogEntry[] = [];

  /** `told`: who hears of each notice at once. */
  constructor(private readonly told: (line: string) => void = () => {}) {}

  /** One line, also where a node wrote it: no control character comes to the operator's terminal. */
  notice(about: LogClass, line: string): void {
    const text = line.replace(/\p{Cc}+/gu, " ");
    this.entries.push({ time: new Date().toISOString(), class: about, text });
    if (this.entries.length > ENTRIES_MAX) this.entries.shift();
    this.told(text);
  }

  list(): LogEntry[] {
    return [...this.entries];
  }

  clear(): void {
    this.entries = [];
  }
}
