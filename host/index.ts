// What `import … from "weft"` gives.

export { Router } from "./control/router.js";
export type * from "./control/api.js";
export { WeftError, type WeftErrorCode } from "./errors.js";
export type { HostNode, HostPacket } from "./graph/host-node.js";
