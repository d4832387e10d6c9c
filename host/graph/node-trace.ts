// What a node's declaration may say of its packets' traces: the words, and where in a buffer's header the fields lie.

import { B_ADJ, B_ICMP, B_PUNT, B_RX_IF, B_TX_IF } from "../../assembly/abi.js";

/** What a packet begins with when it comes to a node, by name; assembly/graph/trace.ts has the numbers too. 0: it varies. */
export const LAYERS = { ethernet: 1, arp: 2, ip4: 3 };
export type Layer = keyof typeof LAYERS;

/** Fields of a packet's buffer header, u16 each, by name. */
export const PACKET_FIELDS = { "rx-interface": B_RX_IF, "tx-interface": B_TX_IF, adjacency: B_ADJ, "icmp-error": B_ICMP, punt: B_PUNT };
export type PacketField = keyof typeof PACKET_FIELDS;

/** Fields of the node's state that a trace may keep. */
export const STATE_FIELDS_MAX = 4;
