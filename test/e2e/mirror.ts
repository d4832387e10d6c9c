// From which address and port a host's packets come, as another host sees them: mirror-program.ts.

import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Host } from "../../host/lab/host.js";

const PROGRAM = fileURLToPath(new URL("./mirror-program.js", import.meta.url));
export const MIRROR_PORT = 7790;

/** Has a host answer, until it is closed; a NAT in front of it learns its port by a datagram to `knockAt`. Gives what ends it. */
export async function serveMirror(host: Host, knockAt?: string): Promise<() => Promise<void>> {
  const program = host.spawn(process.execPath, [PROGRAM, "serve", String(MIRROR_PORT), ...(knockAt === undefined ? [] : [knockAt])]);
  await once(program.stdout, "data");
  return async () => {
    program.kill("SIGKILL");
    await once(program, "close");
  };
}

/** "ADDRESS:PORT" of the asking host as it was seen; or what came instead: "ECONNREFUSED", "no answer". */
export async function askMirror(host: Host, protocol: "udp" | "tcp", address: string, localPort: number, port = MIRROR_PORT): Promise<string> {
  const { stdout, stderr } = await host.run(process.execPath, [PROGRAM, "ask", protocol, address, String(port), String(localPort)]);
  return (stdout || stderr).trim();
}
