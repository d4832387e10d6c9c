// The exit statuses of weft.

import type { WeftError } from "../errors.js";

/** Exit status: 2 for what was typed wrongly, 1 for what failed. */
export function exitStatus(error: WeftError): number {
  return error.code === "BAD_COMMAND" ? 2 : 1;
}
