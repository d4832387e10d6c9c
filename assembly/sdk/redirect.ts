// ICMP redirects (RFC 1812, 5.2.7.2): whether a packet that leaves by the interface it came by is to be answered with one, which is
// for who can reach the better next hop without us. Each source is told again after 40, 80, 160 … ms, nine times, and after 20 s of
// silence anew: a host that does not listen is not told for ever.

import { B_FLAG_LOCAL, B_FLAG_REDIRECTED, IF_FLAG_REDIRECTS, LOOKUP_NEXT_GLEAN } from "../abi";
import { source, timeToLive } from "../wire/ipv4";
import { flags, packetAt, rxInterface, setFlags } from "./buffer";
import {
  adjacencyAt, adjacencyNext, adjacencyNextHop, adjacencyTxInterface, fibLookup, interfaceAt, interfaceFlags, isForwarding,
} from "./tables";

// State, 4096 bytes: 256 places for sources, each taken by the last one that hashed to it
//
//   0        4       8 .... 15
//   +--------+-------+---------+
//   | SOURCE | TIMES | LAST    |   ms (f64); TIMES it was told since it was silent
//   +--------+-------+---------+
const PLACES: u32 = 256;
const PLACE_SIZE: usize = 16;
const SOURCE: usize = 0;
const TIMES: usize = 4;
const LAST: usize = 8;
/** ms */
const FIRST_WAIT: f64 = 20;
const SILENCE: f64 = 20480;
const TIMES_MAX: u32 = 9;

/** Whether the packet's sender is on the interface's link and wants to be told; each packet is judged once. The rate is not judged. */
export function concernsSender(buffer: usize): bool {
  const marks = flags(buffer);
  if ((marks & (B_FLAG_LOCAL | B_FLAG_REDIRECTED)) != 0) return false;
  setFlags(buffer, marks | B_FLAG_REDIRECTED);
  const rx = rxInterface(buffer);
  if ((interfaceFlags(interfaceAt(rx)) & IF_FLAG_REDIRECTS) == 0) return false;
  const header = packetAt(buffer);
  if (timeToLive(header) <= 1) return false; // it will get another error
  const back = adjacencyAt(fibLookup(source(header)));
  if (adjacencyTxInterface(back) != rx || !isForwarding(back)) return false;
  const hop = adjacencyNextHop(back);
  return hop == source(header) || (hop == 0 && adjacencyNext(back) == LOOKUP_NEXT_GLEAN);
}

/** Whether a source may be told now; then it counts as told. `state`: drawn above, zero at first; `now` in ms. */
export function mayTell(state: usize, address: u32, now: f64): bool {
  const place = state + <usize>((address * 0x9e3779b1) >> 24) % PLACES * PLACE_SIZE;
  const since = now - load<f64>(place, LAST);
  if (load<u32>(place, SOURCE) != address) {
    if (load<u32>(place, SOURCE) != 0 && since < FIRST_WAIT) return false; // sources that push each other out do not get more than one has
    store<u32>(place, address, SOURCE);
    store<u32>(place, 0, TIMES);
  } else if (since > SILENCE) {
    store<u32>(place, 0, TIMES);
  }
  const times = load<u32>(place, TIMES);
  if (times > 0 && times < TIMES_MAX && since < FIRST_WAIT * <f64>(1 << times)) return false;
  store<f64>(place, now, LAST); // of one that has been told often enough the silence begins when it stops sending
  if (times >= TIMES_MAX) return false;
  store<u32>(place, times + 1, TIMES);
  return true;
}
