// What the operator hears of a worker.

import type { FromEngine } from "../graph/messages.js";

/** One line; undefined: it is nothing to tell. */
export function noticeOf(message: FromEngine): string | undefined {
  switch (message.type) {
    case "trap":
      return `node ${message.node} trapped and lost its frame: ${message.message}`;
    case "mended":
      return `a node has written over what is the graph's own (${message.cause}): its packets are lost (${message.times} times)`;
    case "log":
      return `node ${message.node}: ${message.text}`;
    default:
      return undefined;
  }
}
