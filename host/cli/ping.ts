// The router pings, in VPP's form of output.

import type { PingOptions, PingReply, PingResult } from "../control/api.js";
import type { Command, Context, Values } from "./grammar.js";

export const PING: Command = {
  pattern: "ping <address> [repeat <repeat>] [interval <interval>] [size <size>]",
  help: "ask for echoes: how many, seconds between them, payload bytes",
  examples: ["ping 192.0.2.2", "ping 192.0.2.2 repeat 3 interval 0.2 size 1000"],
  run: ping,
};

/** Status 1 when nothing came back, as ping(8). */
async function ping({ control, out, signal }: Context, values: Values): Promise<number> {
  const options: PingOptions = { signal, onReply: (reply) => out(replyLine(reply)) };
  if (values.repeat !== undefined) options.count = Number(values.repeat);
  if (values.interval !== undefined) options.interval = Number(values.interval) * 1000;
  if (values.size !== undefined) options.size = Number(values.size);
  const result = await control.ping(values.address!, options);
  out(`\n${statistics(result)}`);
  return result.received > 0 ? 0 : 1;
}

/** 116 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=.0533 ms */
function replyLine({ bytes, from, sequence, ttl, time }: PingReply): string {
  return `${bytes} bytes from ${from}: icmp_seq=${sequence} ttl=${ttl} time=${time.toFixed(4).replace(/^0/, "")} ms`;
}

function statistics({ sent, received }: PingResult): string {
  const loss = sent === 0 ? 0 : ((sent - received) * 100) / sent;
  return `Statistics: ${sent} sent, ${received} received, ${Number(loss.toFixed(2))}% packet loss`;
}
