// One step of the set-up: a program, a line of progress on standard error, its output only when it fails.

import { spawnSync } from "node:child_process";

/** A failure that was told in full: the message is all that the user needs. */
export class SetupError extends Error {}

/** Runs a program; `mend` says what to do when it fails. */
export function step(title, words, { cwd, mend = "mend what the lines above say and start again" } = {}) {
  process.stderr.write(`weft: ${title} … `);
  const start = performance.now();
  const result = spawnSync(words[0], words.slice(1), { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 28 });
  if (result.status === 0) {
    process.stderr.write(`${((performance.now() - start) / 1000).toFixed(1)} s\n`);
    return;
  }
  process.stderr.write(`failed\n${result.stdout ?? ""}${result.stderr ?? ""}`);
  const reason = result.error?.message ?? (result.signal === null ? `status ${result.status}` : result.signal);
  throw new SetupError(`could not ${title} (${words.slice(0, 3).join(" ")} …: ${reason}): ${mend}`);
}
