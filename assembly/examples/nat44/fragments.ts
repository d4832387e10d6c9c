// Later fragments have no ports: each is translated as the first one of its packet was (RFC 4787, REQ-14; in order only, as most senders
// send them). What became of the last first fragments is kept in a table where each has one place; of two that meet, the older is lost.
//
//   0         4              8          12          16             20                  24         28
//   +---------+--------------+----------+-----------+--------------+-------------------+----------+
//   | source  | destination  | id       | protocol  | new source   | new destination   | expires  |
//   +---------+--------------+----------+-----------+--------------+-------------------+----------+

import { destination, isFragment, protocol, source } from "../../wire/ipv4";
import { DESTINATION, SOURCE, replaceAddress } from "./rewrite";
import { SESSIONS_END } from "./sessions";

const FRAGMENTED: u32 = 256;
const ENTRY_SIZE: usize = 32;
/** Seconds. Receivers wait for a packet's last fragment 15 (RFC 791, 3.2) to 120 (RFC 1122, 3.3.2), Linux 30. */
const LIFETIME: u32 = 30;

/** Remembers how the first fragment of a packet was translated; `from` and `to` are its addresses before. */
export function rememberFirst(node: usize, header: usize, from: u32, to: u32, time: u32): void {
  if (!isFragment(header)) return;
  const entry = entryAt(node, header, from, to);
  store<u32>(entry, from);
  store<u32>(entry, to, 4);
  store<u32>(entry, load<u16>(header, 4), 8);
  store<u32>(entry, protocol(header), 12);
  store<u32>(entry, source(header), 16);
  store<u32>(entry, destination(header), 20);
  store<u32>(entry, time + LIFETIME, 24);
}

/** Translates a later fragment as its first was; false: that is not known. */
export function translateLater(node: usize, header: usize, time: u32): bool {
  const entry = entryAt(node, header, source(header), destination(header));
  if (load<u32>(entry) != source(header) || load<u32>(entry, 4) != destination(header)) return false;
  if (load<u32>(entry, 8) != <u32>load<u16>(header, 4) || load<u32>(entry, 12) != protocol(header) || load<u32>(entry, 24) <= time) return false;
  replaceAddress(header, SOURCE, load<u32>(entry, 16));
  replaceAddress(header, DESTINATION, load<u32>(entry, 20));
  return true;
}

function entryAt(node: usize, header: usize, from: u32, to: u32): usize {
  const key = (from ^ rotl<u32>(to, 16) ^ (<u32>load<u16>(header, 4) * 0x10001) ^ protocol(header)) * 0x9e3779b1;
  return node + SESSIONS_END + <usize>((key >> 16) % FRAGMENTED) * ENTRY_SIZE;
}
