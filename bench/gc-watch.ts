// Loaded into a router's process ahead of it (--import): asks its worker how large its heap is, for gc.ts. Nothing of the router differs. A worker
// does not come back to its event loop, so it is asked by V8's inspector, which interrupts what runs.

import { Session } from "node:inspector";
import { isMainThread } from "node:worker_threads";

/** What the parent process may ask for. */
export type Question = "heap" | "profile" | "profiled";
/** Bytes between two allocations of which a profile tells. */
const INTERVAL = 512;

interface Answer {
  id: number;
  result: { usedSize?: number; profile?: { head: ProfileNode } };
}

export interface ProfileNode {
  callFrame: { functionName: string; url: string; lineNumber: number };
  selfSize: number;
  children: ProfileNode[];
}

function watch(): void {
  const session = new Session();
  session.connect();
  let thread = "";
  session.on("NodeWorker.attachedToWorker", ({ params }) => (thread = params.sessionId));
  session.on("NodeWorker.receivedMessageFromWorker", ({ params }) => {
    const { id, result } = JSON.parse(params.message) as Answer;
    if (id !== undefined) process.send!(result.profile?.head ?? result.usedSize ?? null);
  });
  session.post("NodeWorker.enable", { waitForDebuggerOnStart: false });
  let id = 0;
  const ask = (method: string, params = {}): void =>
    session.post("NodeWorker.sendMessageToWorker", { sessionId: thread, message: JSON.stringify({ id: ++id, method, params }) });
  process.on("message", (question: Question) => {
    if (question === "heap") ask("Runtime.getHeapUsage");
    const collected = { includeObjectsCollectedByMinorGC: true, includeObjectsCollectedByMajorGC: true };
    if (question === "profile") ask("HeapProfiler.startSampling", { samplingInterval: INTERVAL, ...collected });
    if (question === "profiled") ask("HeapProfiler.stopSampling");
  });
  process.channel!.unref();
}

if (isMainThread) {
  (globalThis as unknown as { gc: () => void }).gc(); // the first line of --trace-gc tells which isolate is this thread's
  watch();
}
