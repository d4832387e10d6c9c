// Loaded into a router's process ahead of it (--import): notes when what of its start happens, for startup.ts. Nothing of the router differs.

import { writeFileSync } from "node:fs";
import { createRequire, syncBuiltinESMExports } from "node:module";
import { isMainThread, type Worker } from "node:worker_threads";

/** ms since the process began, in the order in which these come */
export interface Marks {
  node: number;
  imported: number;
  compiled: number;
  threadReady: number;
  ready: number;
}

const marks: Partial<Marks> = {};

function mark(name: keyof Marks): void {
  marks[name] ??= performance.now();
}

/** Notes when something is made. */
function atMaking(of: Record<string, unknown>, name: string, note: keyof Marks | null, made: (it: unknown) => void = () => {}): void {
  of[name] = new Proxy(of[name] as new () => object, {
    construct(target, given, self) {
      if (note !== null) mark(note);
      const it = Reflect.construct(target, given, self) as object;
      made(it);
      return it;
    },
  });
}

if (isMainThread) {
  mark("node");
  const threads = createRequire(import.meta.url)("node:worker_threads") as Record<string, unknown>;
  atMaking(WebAssembly as unknown as Record<string, unknown>, "Module", "imported");
  atMaking(WebAssembly as unknown as Record<string, unknown>, "Memory", "compiled");
  atMaking(threads, "Worker", null, (worker) => (worker as Worker).once("message", () => mark("threadReady")));
  syncBuiltinESMExports();
  const write = process.stderr.write.bind(process.stderr);
  process.stderr.write = ((text: string) => {
    if (text.startsWith("weft: ready")) mark("ready");
    return write(text);
  }) as typeof process.stderr.write;
  process.once("exit", () => writeFileSync(process.env["WEFT_STARTUP_MARKS"]!, JSON.stringify(marks)));
}
