// Cuts IPv4 packets that are too long for their next link into fragments (RFC 791, 3.2; RFC 1812, 4.2.2.7). Fragments take buffers, which
// no node may, so this one is the graph's own.
//
// There is room for VECTOR packets in the graph, and as many packets may come to be cut, each into hundreds: it makes a vector of fragments
// when no other packet is on its way, and puts aside what is not cut to its end until those have gone.
//
// A super-packet whose segments are too long is cut into these, which come back.

import {
  BUFFER_SHIFT, BUFFER_USED, B_CSUM_FLAGS, B_CSUM_OFFSET, B_CSUM_START, B_CUT, B_DATA, B_FLAGS, B_FLAG_LOCAL, B_HEADER_LENGTH, B_LENGTH, B_NEXT,
  B_STATE, B_TOTAL, GRAPH_ORIGINATED, NODE_BAD_NEXT, NODE_COUNT, NODE_STATE, VECTOR, WIRING, WIRING_SIZE,
} from "../abi";
import { adjacency, clearOffloads, flags, lengthHere, lengthTotal, packetAt, segmentSize } from "../sdk/buffer";
import { adjacencyAt, adjacencyMtu } from "../sdk/tables";
import { count } from "../sdk/vector";
import { sumPacket } from "../wire/checksum";
import {
  FRAGMENT_OFFSET, IP4_HEADER, MORE_FRAGMENTS, blankUncopiedOptions, fragmentWord, headerLength, isFragment, setFragment, setIdentification,
} from "../wire/ipv4";
import { UDP_CHECKSUM } from "../wire/udp";
import { append as appendBytes, isWhole, readFrom } from "./chain";
import { bump, giveBack, release, takeBuffer } from "./pool";
import { append, arc, isAlone, putAside } from "./ready";
import { finishSegment, headersLength } from "./segments";

// Next slot and counters as FRAGMENT_NODE in host/graph/ip4-fragment.ts declares them
const NEXT_REWRITE: u32 = 1;
const CUT: u32 = 0;
const FRAGMENTS: u32 = 1;
const NO_BUFFER: u32 = 2;
const MALFORMED: u32 = 3;
const NO_ROOM: u32 = 4;
const SEGMENTS: u32 = 5;

/** Fragments but the last carry a multiple of so many bytes (RFC 791, 3.2). */
const UNIT: u32 = 8;
const NEEDS_CHECKSUM: u32 = 1; // VIRTIO_NET_HDR_F_NEEDS_CSUM
const CHECKSUM_SIZE: u32 = 2;

/** Takes the n packets of a frame off it; their fragments go where `index`, this node, leads. */
export function fragment(graph: usize, index: u32, node: usize, frame: usize, n: u32): void {
  const to = arc(<usize>WIRING + <usize>index * <usize>WIRING_SIZE, NEXT_REWRITE);
  let room: u32 = isAlone(graph) ? VECTOR : 0;
  for (let i: u32 = 0; i < n; i++) {
    const packet = load<u32>(frame + (<usize>i << 2));
    const reason = prepare(node, packet, room);
    if (reason >= 0) refuse(graph, node, packet, reason);
    else if (to >= <u32>NODE_COUNT) refuse(graph, node, packet, -1);
    else room -= cut(graph, index, node, packet, to, room);
  }
}

/**
 * Judges a packet, and completes it before its first piece is made, for which there must be room; the counter of the reason why it cannot be cut,
 * -1: it can.
 */
function prepare(node: usize, packet: u32, room: u32): i32 {
  const buffer = <usize>packet << BUFFER_SHIFT;
  if (!isWhole(packet) || lengthHere(buffer) < IP4_HEADER) return MALFORMED;
  const header = packetAt(buffer);
  const skip = headersOf(buffer);
  const done = doneOf(buffer);
  if (headerLength(header) < IP4_HEADER || skip < IP4_HEADER || skip > lengthHere(buffer) || lengthTotal(buffer) <= skip + done) return MALFORMED;
  if (segmentSize(buffer) != 0) return isFragment(header) ? MALFORMED : -1;
  // A fragment can be one that would end beyond the longest packet: its last offset must fit its 13 bits.
  if ((fragmentWord(header) & FRAGMENT_OFFSET) + ((lengthTotal(buffer) - skip) >> 3) > FRAGMENT_OFFSET) return MALFORMED;
  if (done != 0 || room == 0) return -1;
  // RFC 6864, 4.1: only a packet that may be in fragments needs an identification of its own.
  if ((flags(buffer) & B_FLAG_LOCAL) != 0 && !isFragment(header)) setIdentification(header, takeIdentification(node));
  return completeChecksum(buffer) ? -1 : MALFORMED;
}

/** Bytes that each piece of a packet begins with: the IP header, of a super-packet the transport header too; 0: that cannot be told. */
function headersOf(buffer: usize): u32 { return segmentSize(buffer) != 0 ? headersLength(buffer) : headerLength(packetAt(buffer)); }

/** Bytes of its payload that have become pieces: B_CUT counts segments, or units of fragments. */
function doneOf(buffer: usize): u32 {
  const size = segmentSize(buffer);
  return <u32>load<u16>(buffer, B_CUT) * (size != 0 ? size : UNIT);
}

/** Most bytes of payload in a piece that is not the last one. */
function pieceOf(buffer: usize, skip: u32): u32 {
  const size = segmentSize(buffer);
  if (size != 0) return size;
  const mtu = adjacencyMtu(adjacencyAt(adjacency(buffer)));
  return mtu > skip + UNIT ? mtu - skip : UNIT;
}

/** Makes up to `room` pieces; gives how many. */
function cut(graph: usize, index: u32, node: usize, packet: u32, to: u32, room: u32): u32 {
  const buffer = <usize>packet << BUFFER_SHIFT;
  const segments = segmentSize(buffer) != 0;
  const skip = headersOf(buffer);
  const payload = lengthTotal(buffer) - skip;
  const most = pieceOf(buffer, skip);
  let done = doneOf(buffer);
  readFrom(buffer, skip + done);
  for (let made: u32 = 0; made < room; ) {
    const left = payload - done;
    const size = left <= most ? left : segments ? most : most & ~(UNIT - 1);
    const piece = make(graph, buffer, skip, size);
    if (piece == 0) return refuse(graph, node, packet, NO_BUFFER, made);
    if (segments) finishSegment(<usize>piece << BUFFER_SHIFT, load<u16>(buffer, B_CUT), done, size == left);
    else finishFragment(<usize>piece << BUFFER_SHIFT, done, size < left);
    append(graph, to, piece);
    count(node, segments ? SEGMENTS : FRAGMENTS);
    made++;
    done += size;
    if (done == payload) { // the last piece is what becomes of the packet
      giveBack(graph, packet);
      if (!segments) count(node, CUT);
      return made;
    }
    bump(graph, GRAPH_ORIGINATED);
    store<u16>(buffer, <u16>(segments ? load<u16>(buffer, B_CUT) + 1 : done / UNIT), B_CUT);
  }
  return putAside(graph, packet, index) ? room : refuse(graph, node, packet, NO_ROOM, room);
}

/** Drops a packet; gives `made`. */
function refuse(graph: usize, node: usize, packet: u32, reason: i32, made: u32 = 0): u32 {
  if (reason < 0) bump(node, NODE_BAD_NEXT);
  else count(node, reason);
  release(graph, packet);
  return made;
}

/** A packet with the same first `skip` bytes and the next `size` ones of the payload; its index, or 0 when the pool is empty. */
function make(graph: usize, from: usize, skip: u32, size: u32): u32 {
  const index = takeBuffer(graph);
  if (index == 0) return 0;
  const buffer = <usize>index << BUFFER_SHIFT;
  // The headers, and what lies before them: a node may want the link header that was stripped.
  const end = <usize>load<u16>(from, B_DATA) + skip;
  for (let at: usize = 0; at < end; at += 16) v128.store(buffer + at, v128.load(from + at));
  store<u16>(buffer, <u16>skip, B_LENGTH);
  store<u32>(buffer, skip, B_TOTAL);
  store<u32>(buffer, 0, B_NEXT);
  store<u16>(buffer, BUFFER_USED, B_STATE);
  store<u16>(buffer, 0, B_CUT);
  store<u16>(buffer, 0, B_HEADER_LENGTH);
  clearOffloads(buffer);
  if (appendBytes(graph, buffer, size)) return index;
  giveBack(graph, index);
  return 0;
}

/** Makes the header of a fragment its own; `done`: bytes of the packet's payload before it. */
function finishFragment(buffer: usize, done: u32, more: bool): void {
  const header = packetAt(buffer);
  const skip = headerLength(header);
  const word = fragmentWord(header);
  const offset = word & FRAGMENT_OFFSET;
  if (done > 0 && offset == 0 && skip > IP4_HEADER) blankUncopiedOptions(header, skip);
  setFragment(header, skip, lengthTotal(buffer), (offset + done / UNIT) | (more ? MORE_FRAGMENTS : word & MORE_FRAGMENTS));
}

/** Fills in a transport checksum that the sender has left to the device; false when its place makes no sense. */
function completeChecksum(buffer: usize): bool {
  if ((<u32>load<u8>(buffer, B_CSUM_FLAGS) & NEEDS_CHECKSUM) == 0) return true;
  const data = <u32>load<u16>(buffer, B_DATA);
  const start = <u32>load<u16>(buffer, B_CSUM_START);
  const offset = <u32>load<u16>(buffer, B_CSUM_OFFSET);
  const at = start + offset;
  if (start < data || at + CHECKSUM_SIZE > data + lengthHere(buffer)) return false;
  // The checksum's own field holds the sum over the pseudo header. 0 would mean "none" to UDP (RFC 768), and to it alone.
  const checksum = sumPacket(buffer, start - data) ^ 0xffff;
  store<u16>(buffer + at, <u16>(checksum == 0 && offset == UDP_CHECKSUM ? 0xffff : checksum));
  clearOffloads(buffer);
  return true;
}

/** The state is a u32, which numbers the packets. */
function takeIdentification(node: usize): u32 {
  const identification = load<u32>(node, NODE_STATE);
  store<u32>(node, identification + 1, NODE_STATE);
  return identification & 0xffff;
}
