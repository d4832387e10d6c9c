// Where a packet's two ports lie. Of an ICMP query the identifier is both of them (RFC 5508, 3.1).

import { ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST, ICMP_HEADER, icmpType } from "../../wire/icmp";
import { PROTOCOL_ICMP, PROTOCOL_TCP, PROTOCOL_UDP } from "../../wire/ipv4";
import { TCP_HEADER } from "../../wire/tcp";
import { UDP_HEADER } from "../../wire/udp";

const ICMP_IDENTIFIER: usize = 4;

/** Bytes that a transport header must have in the first buffer; 0: a protocol without ports. */
export function headerNeeded(protocol: u32): u32 {
  if (protocol == PROTOCOL_TCP) return TCP_HEADER;
  if (protocol == PROTOCOL_UDP) return UDP_HEADER;
  return protocol == PROTOCOL_ICMP ? ICMP_HEADER : 0;
}

/** Address of the sender's port; 0: an ICMP message that is no request. */
export function senderPort(protocol: u32, transport: usize): usize {
  if (protocol != PROTOCOL_ICMP) return transport;
  return icmpType(transport) == ICMP_ECHO_REQUEST ? transport + ICMP_IDENTIFIER : 0;
}

/** Address of the receiver's port; 0: an ICMP message that is no reply. */
export function receiverPort(protocol: u32, transport: usize): usize {
  if (protocol != PROTOCOL_ICMP) return transport + 2;
  return icmpType(transport) == ICMP_ECHO_REPLY ? transport + ICMP_IDENTIFIER : 0;
}
