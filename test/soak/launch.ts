// The program `weft`, which also tells every few seconds how much memory it has: lines of JSON in the file that WEFT_SOAK_MEMORY names.
// With node --expose-gc: after a collection.

import { appendFileSync } from "node:fs";
import { main } from "../../host/cli/main.js";

/** ms */
const EVERY = 2000;

export interface Told {
  pid: number;
  /** of the main thread, bytes */
  heap: number;
  external: number;
}

function tell(file: string): void {
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  appendFileSync(file, `${JSON.stringify({ pid: process.pid, heap: heapUsed, external } satisfies Told)}\n`);
}

const file = process.env["WEFT_SOAK_MEMORY"]!;
// On modelled ports the router is the second run of this program, in the emulator's environment.
const router = !process.argv.includes("--emulated") || process.env["WEFT_EMULATOR"] !== undefined;
if (router) {
  tell(file);
  setInterval(tell, EVERY, file).unref();
}
process.exit(await main(process.argv.slice(2)));
