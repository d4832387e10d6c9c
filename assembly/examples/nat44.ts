// Source NAT with port translation (NAPT, RFC 3022) for TCP, UDP and ICMP echo: the hosts behind the inside interface share one address
// on the outside one.
//
//    node load nat44.wasm as nat config {"inside": "host-lan0", "outside": "host-wan0", "address": "203.0.113.1"}
//    node insert nat before ip4-lookup
//    show node table nat sessions
//
//   from the inside, routed to the outside     source becomes the NAT's address, with a port of the session's own
//   to the NAT's address, port of a session    destination becomes the session's inside
//   the same from the inside (hairpin)         both (RFC 4787, REQ-9)
//   ICMP errors about any of these             nat44/icmp-error.ts
//   all else                                   passes: the NAT's address without a session is the router itself
//
// Mapping and filtering are endpoint-independent (RFC 4787, REQ-1 and REQ-8; RFC 5382, REQ-1 and REQ-3): one session for an inside endpoint,
// whoever it talks to and whoever answers. Peers behind NATs need that to find each other, and it takes the least state. It is no firewall:
// Linux' masquerade lets only those answer who were asked. As there, an endpoint keeps its port where that is free, the next best one is
// taken where not, and packets of both directions keep a session.
//
// Refused configurations: 1: one interface is both sides, 2: the range of ports is empty, 3: the address is not one host's.

import { B_FLAG_LOCAL } from "../abi";
import {
  adjacencyAt, adjacencyTxInterface, bufferAt, count, drop, fibLookup, flags, isForwarding, lengthHere, lengthTotal, now, packetAt, rxInterface,
  setGauge, setNext,
} from "../sdk";
import { icmpType, isErrorType } from "../wire/icmp";
import { PROTOCOL_ICMP, destination, headerLength, isLaterFragment, isUnicast, protocol, source, timeToLive } from "../wire/ipv4";
import { firstPort, insideInterface, lastPort, natAddress, outsideInterface } from "./nat44/configuration";
import { rememberFirst, translateLater } from "./nat44/fragments";
import { errorInwards, errorOutwards } from "./nat44/icmp-error";
import { headerNeeded, receiverPort, senderPort } from "./nat44/ports";
import { DESTINATION, SOURCE, mendTransport, replaceAddress, replacePort } from "./nat44/rewrite";
import {
  choosePort, findInside, findOutside, insideAddress, insidePort, liveSessions, open, outsidePort, refresh, seed, sweep,
} from "./nat44/sessions";

const NEXT_CONTINUE: u32 = 1;

const NO_SESSION_FREE: u32 = 0;
const NO_PORT_FREE: u32 = 1;
const NOT_TRANSLATABLE: u32 = 2;
const HEADER_NOT_WHOLE: u32 = 3;
const FIRST_FRAGMENT_UNKNOWN: u32 = 4;
const ERROR_WITHOUT_SESSION: u32 = 5;
const TO_ROUTER: u32 = 6;
const HAIRPINNED: u32 = 7;
const SESSIONS: u32 = 8;

/** Sessions looked at in each call, beside one a packet, whether they have expired. */
const SWEPT: u32 = 8;

export function nat44(node: usize, frame: usize, n: u32): void {
  const time = seconds();
  sweep(node, time, SWEPT + n);
  for (let i: u32 = 0; i < n; i++) setNext(frame, i, translate(node, bufferAt(frame, i), time));
  setGauge(node, SESSIONS, liveSessions(node));
}

export function configure(node: usize): i32 {
  if (insideInterface(node) == outsideInterface(node)) return 1;
  if (firstPort(node) > lastPort(node)) return 2;
  if (!isUnicast(natAddress(node))) return 3;
  seed(node, <u32>(<u64>now()));
  return 0;
}

function seconds(): u32 { return <u32>(now() / 1e9); }

function translate(node: usize, buffer: usize, time: u32): u32 {
  const header = packetAt(buffer);
  const rx = rxInterface(buffer);
  const local = (flags(buffer) & B_FLAG_LOCAL) != 0;
  const fromInside = rx == insideInterface(node) && !local;
  if (destination(header) == natAddress(node)) {
    return fromInside || local || rx == outsideInterface(node) ? inwards(node, buffer, fromInside, local, time) : NEXT_CONTINUE;
  }
  // The router's own packets have addresses of the outside already, but what its errors quote may not.
  if (!(fromInside || (local && isError(buffer, header))) || !leadsOutside(node, destination(header))) return NEXT_CONTINUE;
  return outwards(node, buffer, local, time);
}

function leadsOutside(node: usize, address: u32): bool {
  const entry = adjacencyAt(fibLookup(address));
  return adjacencyTxInterface(entry) == outsideInterface(node) && isForwarding(entry);
}

function isError(buffer: usize, header: usize): bool {
  if (protocol(header) != PROTOCOL_ICMP || isLaterFragment(header)) return false;
  const skip = headerLength(header);
  return lengthHere(buffer) > skip && isErrorType(icmpType(header + skip));
}

function outwards(node: usize, buffer: usize, local: bool, time: u32): u32 {
  const header = packetAt(buffer);
  // It ends at this router: the error about it goes to who sent it, and no session is spent on a traceroute.
  if (!local && timeToLive(header) <= 1) return NEXT_CONTINUE;
  if (isLaterFragment(header)) return translateLater(node, header, time) ? NEXT_CONTINUE : drop(node, FIRST_FRAGMENT_UNKNOWN);
  const number = protocol(header);
  const needed = headerNeeded(number);
  if (needed == 0) return drop(node, NOT_TRANSLATABLE);
  if (lengthHere(buffer) < headerLength(header) + needed) return drop(node, HEADER_NOT_WHOLE);
  const transport = header + headerLength(header);
  if (isError(buffer, header)) {
    // RFC 5508, REQ-5: what would tell the outside of a packet that it never sent is not sent.
    return errorOutwards(node, buffer, transport, local, time) || local ? NEXT_CONTINUE : drop(node, ERROR_WITHOUT_SESSION);
  }
  const from = source(header);
  const refused = hideSender(node, buffer, number, transport, time);
  if (refused >= 0) return drop(node, refused);
  rememberFirst(node, header, from, destination(header), time);
  return NEXT_CONTINUE;
}

function inwards(node: usize, buffer: usize, fromInside: bool, local: bool, time: u32): u32 {
  const header = packetAt(buffer);
  if (isLaterFragment(header)) return translateLater(node, header, time) ? NEXT_CONTINUE : drop(node, FIRST_FRAGMENT_UNKNOWN);
  const number = protocol(header);
  const needed = headerNeeded(number);
  if (needed == 0 || lengthHere(buffer) < headerLength(header) + needed) return toRouter(node);
  const transport = header + headerLength(header);
  if (isError(buffer, header)) return errorInwards(node, buffer, transport, rxInterface(buffer), local, time) ? NEXT_CONTINUE : toRouter(node);
  const to: usize = local ? 0 : receiverPort(number, transport);
  const session: usize = to == 0 ? 0 : findOutside(node, number, load<u16>(to), time);
  if (session == 0) return toRouter(node);

  const from = source(header);
  if (fromInside) {
    const refused = hideSender(node, buffer, number, transport, time);
    if (refused >= 0) return drop(node, refused);
    count(node, HAIRPINNED);
  }
  showReceiver(node, buffer, session, to, transport, time);
  rememberFirst(node, header, from, natAddress(node), time);
  return NEXT_CONTINUE;
}

function toRouter(node: usize): u32 {
  count(node, TO_ROUTER);
  return NEXT_CONTINUE;
}

/** Gives a packet the NAT's address and its session's port as its source; the counter of why that cannot be, -1: it is done. */
function hideSender(node: usize, buffer: usize, number: u32, transport: usize, time: u32): i32 {
  const header = packetAt(buffer);
  const at = senderPort(number, transport);
  if (at == 0) return NOT_TRANSLATABLE;
  const own: u32 = load<u16>(at);
  let session = findInside(node, number, source(header), own, time);
  if (session == 0) {
    const port = choosePort(node, number, own, time);
    if (port == 0) return NO_PORT_FREE;
    session = open(node, number, source(header), own, port);
    if (session == 0) return NO_SESSION_FREE;
  }
  refresh(node, session, time, true, transport, lengthTotal(buffer));
  const addresses = replaceAddress(header, SOURCE, natAddress(node));
  mendTransport(buffer, number, transport, addresses, replacePort(at, outsidePort(session)));
  return -1;
}

/** Gives a packet its session's inside as its destination. */
function showReceiver(node: usize, buffer: usize, session: usize, at: usize, transport: usize, time: u32): void {
  const header = packetAt(buffer);
  refresh(node, session, time, false, transport, lengthTotal(buffer));
  const addresses = replaceAddress(header, DESTINATION, insideAddress(session));
  mendTransport(buffer, protocol(header), transport, addresses, replacePort(at, insidePort(session)));
}

// @ts-ignore: taken out by the build, see sdk/manifest.mjs
declareNode({
  name: "nat44",
  process: "nat44",
  next: ["error-drop", "continue"],
  counters: [
    "no session free", "no port free", "protocol or message not translatable", "transport header not whole", "first fragment unknown",
    "ICMP error without a session", "to the address, no session: passed", "hairpinned",
  ],
  gauges: ["sessions"],
  state: 794688,
  stateVersion: 1,
  configure: "configure",
  config: {
    type: "object",
    properties: {
      inside: { type: "string", format: "interface", description: "where the hosts are whose addresses are not shown" },
      outside: { type: "string", format: "interface" },
      address: { type: "string", format: "ipv4", description: "the address that is shown; one of the router's own on the outside" },
      firstPort: { type: "integer", minimum: 1, maximum: 65535, "default": 1024, description: "ports and ICMP identifiers to give out" },
      lastPort: { type: "integer", minimum: 1, maximum: 65535, "default": 65535 },
      udpTimeout: { type: "integer", minimum: 1, maximum: 86400, "default": 300, description: "seconds; RFC 4787, REQ-5" },
      tcpTimeout: { type: "integer", minimum: 1, maximum: 86400, "default": 7440, description: "of established connections; RFC 5382, REQ-5" },
      tcpTransitoryTimeout: { type: "integer", minimum: 1, maximum: 86400, "default": 240, description: "of connections that begin or end" },
      icmpTimeout: { type: "integer", minimum: 1, maximum: 86400, "default": 60, description: "RFC 5508, REQ-2" },
    },
    required: ["inside", "outside", "address"],
  },
  tables: [{
    name: "sessions", at: 64, rows: 16384, size: 32, used: 0, sort: "bytes",
    columns: [
      { name: "protocol", at: 0, type: "u8" },
      { name: "inside", at: 4, type: "ipv4" },
      { name: "port", at: 8, type: "u16be" },
      { name: "outside-port", at: 10, type: "u16be" },
      { name: "packets", at: 16, type: "u64" },
      { name: "bytes", at: 24, type: "u64" },
    ],
  }],
});
