// Which weft this is.

import { readFileSync } from "node:fs";
import { CONTRACT_VERSION } from "../../assembly/abi.js";
import type { VersionInfo } from "./api.js";

/** Versions of weft, of the node contract and of Node. */
export function version(): VersionInfo {
  // dist/host/control/version.js → package.json
  const description = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as { version: string };
  return { version: description.version, contract: CONTRACT_VERSION, node: process.version };
}
