// What the operator hears of a worker.

import type { FromEngine } from "../graph/messages.js";
import type { LogClass } from "./observed.js";

/** Class and text, as Log.notice takes them; undefined: it is nothing to tell. */
export function noticeOf(message: FromEngine): [kind: LogClass, text: string] | undefined {
  switch (message.type) {
    case "trap":
      return ["node", `node ${message.node} trapped and lost its frame: ${message.message}`];
    case "mended":
      return ["graph", `a node has written over what is the graph's own (${message.cause}): its packets are lost (${message.times} times)`];
    case "log":
      return ["node", `node ${message.node}: ${message.text}`];
    default:
      return undefined;
  }
}
