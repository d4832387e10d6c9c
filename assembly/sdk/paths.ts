// Routes with several paths: which of them a flow takes (RFC 2991, RFC 2992). All packets of a flow take the same one, so that they
// stay in their order; a flow is what has the same addresses, protocol and ports.

import { ADJ_BUCKETS, CONTROL, CONTROL_FLOW_SEED, PATH_BUCKETS } from "../abi";
import {
  PROTOCOL_DCCP, PROTOCOL_SCTP, PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_UDP_LITE, destination, headerLength, isFragment, protocol, source,
} from "../wire/ipv4";

/** Adjacency of the path that a packet's flow takes; `entry`: an adjacency with several paths, `here`: bytes that may be read at its header. */
export function pathOf(entry: usize, header: usize, here: u32): u32 {
  const bucket = flowHash(header, here) % <u32>PATH_BUCKETS;
  return load<u16>(<usize>load<u32>(entry, ADJ_BUCKETS) + (<usize>bucket << 1));
}

/** Only a packet's first fragment has its ports, so that all fragments go by their addresses. */
function flowHash(header: usize, here: u32): u32 {
  let hash = mix(mix(load<u32>(CONTROL + CONTROL_FLOW_SEED), source(header)), destination(header));
  if (!isFragment(header)) {
    hash = mix(hash, protocol(header));
    const skip = headerLength(header);
    if (hasPorts(protocol(header)) && here >= skip + 4) hash = mix(hash, load<u32>(header + skip));
  }
  return finish(hash);
}

function hasPorts(number: u32): bool {
  return number == PROTOCOL_UDP || number == PROTOCOL_TCP || number == PROTOCOL_SCTP || number == PROTOCOL_DCCP || number == PROTOCOL_UDP_LITE;
}

/** MurmurHash3, x86 32 bits: one word more. */
// @ts-ignore: decorator
@inline
function mix(hash: u32, word: u32): u32 {
  return rotl<u32>(hash ^ (rotl<u32>(word * 0xcc9e2d51, 15) * 0x1b873593), 13) * 5 + 0xe6546b64;
}

/** Its end: each bit of the words may change each bit of the hash. */
// @ts-ignore: decorator
@inline
function finish(hash: u32): u32 {
  hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
  return hash ^ (hash >> 16);
}
