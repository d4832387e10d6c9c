// Commands about packets to the router that come in fragments.

import type { ReassemblyInfo } from "../control/api.js";
import { WeftError } from "../errors.js";
import type { Command } from "./grammar.js";
import { show } from "./show.js";
import { table } from "./table.js";

export const REASSEMBLY: Command[] = [
  {
    pattern: "set ip reassembly [timeout <timeout>] [max-reassemblies <max-reassemblies>]",
    help: "ms until a packet that is not whole is given up, and how many such packets there may be",
    examples: ["set ip reassembly timeout 30000 max-reassemblies 1024"],
    run: ({ control }, { timeout, "max-reassemblies": most }) => {
      if (!timeout && !most) throw new WeftError("BAD_COMMAND", 'nothing to set: "set ip reassembly timeout 30000", or max-reassemblies, or both');
      control.setReassembly({ ...(timeout && { timeout: Number(timeout) }), ...(most && { maxReassemblies: Number(most) }) });
    },
  },
  show("show ip reassembly", "packets to the router that are not whole yet, and their limits", (control) => control.reassembly(), reassemblyTable),
];

function reassemblyTable(info: ReassemblyInfo): string {
  const { reassemblies, maxReassemblies, fragments, memory, maxMemory, timeout, reassembled, timedOut } = info;
  return table(["Reassemblies", "Most", "Fragments", "Bytes", "Most", "Timeout", "Reassembled", "Timed out"],
    [[reassemblies, maxReassemblies, fragments, memory, maxMemory, timeout, reassembled, timedOut]]);
}
