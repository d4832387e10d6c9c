// ICMP errors quote the packet that they are about as their sender saw it. Whoever gets one must find its own packet there, so the
// quotation is translated as the packet was, the other way round (RFC 5508, REQ-4 and REQ-5), its checksums with it. Without that neither
// traceroute nor the discovery of a path's MTU works. An error keeps no session alive, and ends none.
//
//   IPv4 header | ICMP: type, code, checksum, a word | quoted IPv4 header | at least 8 bytes of what followed it
//                 transport ^                          quoted ^             payload ^

import { lengthHere, packetAt } from "../../sdk/buffer";
import { ICMP_HEADER } from "../../wire/icmp";
import { IP4_HEADER, destination, headerLength, isLaterFragment, protocol, source, version } from "../../wire/ipv4";
import { insideInterface, natAddress } from "./configuration";
import { headerNeeded, receiverPort, senderPort } from "./ports";
import { DESTINATION, SOURCE, mend, mendQuoted, replaceAddress, replacePort } from "./rewrite";
import { findInside, findOutside, insideAddress, insidePort, outsidePort } from "./sessions";

/** Of a quoted transport header this much is there (RFC 792). */
const QUOTED: u32 = 8;

/**
 * Takes an error that came to the NAT's address, about a packet that one of its sessions has sent, to that session's inside; false: about
 * something else.
 */
export function errorInwards(node: usize, buffer: usize, transport: usize, rx: u32, local: bool, time: u32): bool {
  const quoted = quotedAt(buffer, transport);
  if (quoted == 0 || source(quoted) != natAddress(node)) return false;
  const number = protocol(quoted);
  const payload = quoted + headerLength(quoted);
  const from = senderPort(number, payload);
  const session: usize = from == 0 ? 0 : findOutside(node, number, load<u16>(from), time);
  if (session == 0) return false;

  const header = packetAt(buffer);
  // A packet that was turned back to the inside had its receiver translated too, and the error comes from there.
  if (rx == insideInterface(node) && hideReceiver(node, buffer, transport, quoted, time) && !local) replaceAddress(header, SOURCE, natAddress(node));
  requote(buffer, transport, quoted, SOURCE, insideAddress(session), from, insidePort(session));
  replaceAddress(header, DESTINATION, insideAddress(session));
  return true;
}

/** Takes an error about a packet that came in through a session out to that packet's sender; false: about something else. */
export function errorOutwards(node: usize, buffer: usize, transport: usize, local: bool, time: u32): bool {
  const quoted = quotedAt(buffer, transport);
  if (quoted == 0 || !hideReceiver(node, buffer, transport, quoted, time)) return false;
  if (!local) replaceAddress(packetAt(buffer), SOURCE, natAddress(node));
  return true;
}

/** Has a quoted packet go to the NAT's address again, where its receiver is the inside of a session; false: it is not. */
function hideReceiver(node: usize, buffer: usize, transport: usize, quoted: usize, time: u32): bool {
  const number = protocol(quoted);
  const to = receiverPort(number, quoted + headerLength(quoted));
  const session: usize = to == 0 ? 0 : findInside(node, number, destination(quoted), load<u16>(to), time);
  if (session == 0) return false;
  requote(buffer, transport, quoted, DESTINATION, natAddress(node), to, outsidePort(session));
  return true;
}

/** The quoted IPv4 header; 0: there is none that one could translate. */
function quotedAt(buffer: usize, transport: usize): usize {
  const end = packetAt(buffer) + lengthHere(buffer);
  const quoted = transport + ICMP_HEADER;
  if (quoted + IP4_HEADER > end || version(quoted) != 4 || isLaterFragment(quoted)) return 0;
  const length = headerLength(quoted);
  return length >= IP4_HEADER && quoted + length + QUOTED <= end && headerNeeded(protocol(quoted)) != 0 ? quoted : 0;
}

/** Replaces one address and one port of the quotation and mends all checksums, the error's own last. */
function requote(buffer: usize, transport: usize, quoted: usize, which: usize, address: u32, portAt: usize, port: u32): void {
  const payload = quoted + headerLength(quoted);
  const length = <u32>(packetAt(buffer) + lengthHere(buffer) - payload);
  // The quoted header's own checksum makes up for the address: to the error's, nothing has changed there.
  const addresses = replaceAddress(quoted, which, address);
  const ports = replacePort(portAt, port);
  mend(transport + 2, ports + mendQuoted(protocol(quoted), payload, length, addresses, ports));
}
