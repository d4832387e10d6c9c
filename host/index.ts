// What `import … from "weft"` gives.

import type { Control, RouterOptions } from "./control/api.js";
import { Router as Implementation } from "./control/router.js";

/** Where routers are made; what one can do, {@link Control} says. */
export abstract class Router {
  /**
   * Makes the packet memory, loads the nodes and starts the workers; `stop()` ends it all. Throws BAD_ARGUMENT, NO_MEMORY, BAD_MODULE. (The
   * import itself throws ADDON_MISSING where the native part is not built.)
   */
  static start(options?: RouterOptions): Promise<Control> {
    return Implementation.start(options);
  }
}

export type * from "./control/api.js";
export { WeftError, type WeftErrorCode } from "./errors.js";
export type { HostNode, HostPacket } from "./graph/host-node.js";
