// The built-in nodes, one module: each export is a node's process function.

export { arpInput } from "./arp-input";
export { errorDrop } from "./error-drop";
export { ethernetInput } from "./ethernet-input";
export { icmp4Input } from "./icmp4-input";
export { rxGate, txGate } from "./interface-gate";
export { interfaceOutput } from "./interface-output";
export { ip4IcmpError } from "./ip4-icmp-error";
export { ip4Input } from "./ip4-input";
export { ip4Local } from "./ip4-local";
export { ip4Lookup } from "./ip4-lookup";
export { ip4Rewrite } from "./ip4-rewrite";
export { ip4TcpReset } from "./ip4-tcp-reset";
