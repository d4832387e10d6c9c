// Captures of what interfaces receive, send and what the graph drops, in VPP's words.

import type { PcapTraceOptions, PcapTraceStatus } from "../control/api.js";
import { WeftError } from "../errors.js";
import type { Command, Values } from "./grammar.js";
import { show } from "./show.js";

export const PCAP_TRACE: Command[] = [
  {
    pattern: "pcap trace [rx] [tx] [drop] [max <max>] [intfc <intfc>] [file <capture>]",
    help: "capture packets into a pcapng file, so many at most, of one interface or any: received, sent, dropped ones with the reason",
    examples: ["pcap trace rx tx drop max 1000 intfc host-eth0 file host-eth0.pcapng"],
    run: ({ control }, values) => control.startPcapTrace(options(values)),
  },
  {
    pattern: "pcap trace off",
    help: "end the capture and close its file",
    run: async ({ control, out }) => {
      out(statusText(await control.stopPcapTrace()));
    },
  },
  show("pcap trace status", "the capture that runs, or the last one", (control) => control.pcapTrace(), (status) =>
    (status === null ? 'no capture: "pcap trace rx tx file F" starts one' : statusText(status))),
];

function options({ rx, tx, drop, max, intfc, capture }: Values): PcapTraceOptions {
  if (capture === undefined) throw new WeftError("BAD_COMMAND", '"pcap trace" names no file: add "file F", such as file /tmp/rx.pcapng');
  return {
    file: capture, rx: rx !== undefined, tx: tx !== undefined, drop: drop !== undefined,
    ...(max !== undefined && { max: Number(max) }),
    ...(intfc !== undefined && { interface: intfc }),
  };
}

function statusText({ file, rx, tx, drop, interface: name, max, running, ended, received, sent, dropped, missed, bytes }: PcapTraceStatus): string {
  const what = [...(rx ? ["rx"] : []), ...(tx ? ["tx"] : []), ...(drop ? ["drop"] : [])].join(" ");
  return [
    `${file}: ${running ? "capturing" : `ended: ${ended}`}`,
    `  ${what}, interface ${name}, at most ${max} packets`,
    `  ${received} received, ${sent} sent, ${dropped} dropped, ${missed} missed; ${bytes} bytes`,
  ].join("\n");
}
