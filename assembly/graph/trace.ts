// Which packets of a frame are traced, and which are to be: asked only while somebody traces. What a packet is compared with lies in
// globals, outside the memory that nodes can write.

import { BUFFER_ALIGN, BUFFER_SHIFT, BUFFER_SIZE, BUFFER_USED, B_DATA, B_LENGTH, B_TRACE } from "../abi";
import { isBuffer } from "./pool";

/** What a packet begins with at a node; host/graph/node-trace.ts counts them too. 0: nobody knows. */
const ETHERNET: u32 = 1;
const ARP: u32 = 2;
const IP4: u32 = 3;

const ANY: u32 = 0xffffffff;
/** In place of a protocol's number: ARP, which has none. */
const PROTOCOL_ARP: u32 = 256;
const TCP: u32 = 6;
const UDP: u32 = 17;

let source: u32 = 0; // raw, as all addresses
let sourceMask: u32 = 0;
let destination: u32 = 0;
let destinationMask: u32 = 0;
let protocol: u32 = ANY;
let port: u32 = ANY;

/** What the packets to be traced look like: masks of 0 and `ANY` let all through. `port`: the source's or the destination's. */
export function setFilter(from: u32, fromMask: u32, to: u32, toMask: u32, number: u32, either: u32): void {
  source = from & fromMask;
  sourceMask = fromMask;
  destination = to & toMask;
  destinationMask = toMask;
  protocol = number;
  port = either;
}

/** Place of the first packet from `i` on that is traced; n: there is none. */
export function nextTraced(frame: usize, n: u32, i: u32): u32 {
  for (; i < n; i++) {
    const index = load<u32>(frame + (<usize>i << 2));
    if (isBuffer(index, BUFFER_USED) && load<u16>(<usize>index << BUFFER_SHIFT, B_TRACE) != 0) break;
  }
  return i;
}

/** Place of the first packet from `i` on that is not traced and that the filter lets through; n: there is none. `layer`: what it begins with. */
export function nextWanted(frame: usize, n: u32, i: u32, layer: u32): u32 {
  for (; i < n; i++) {
    const index = load<u32>(frame + (<usize>i << 2));
    if (!isBuffer(index, BUFFER_USED)) continue;
    const buffer = <usize>index << BUFFER_SHIFT;
    if (load<u16>(buffer, B_TRACE) == 0 && isWanted(buffer, layer)) break;
  }
  return i;
}

function isWanted(buffer: usize, layer: u32): bool {
  if ((sourceMask | destinationMask) == 0 && protocol == ANY && port == ANY) return true;
  const data = <u32>load<u16>(buffer, B_DATA);
  let length = <u32>load<u16>(buffer, B_LENGTH);
  if (data < <u32>BUFFER_ALIGN || data + length > <u32>BUFFER_SIZE) return false;
  let at = buffer + data;
  if (layer == ETHERNET) {
    if (length < 14) return false;
    const type = load<u16>(at, 12); // big-endian: 0x0800, 0x0806
    layer = type == 0x0008 ? IP4 : type == 0x0608 ? ARP : 0;
    at += 14;
    length -= 14;
  }
  if (layer == ARP) return isWantedArp(at, length);
  return layer == IP4 && isWantedIp4(at, length);
}

/** RFC 826: the sender's address at 14, the target's at 24. */
function isWantedArp(arp: usize, length: u32): bool {
  if (port != ANY || (protocol != ANY && protocol != PROTOCOL_ARP) || length < 28) return false;
  return (load<u32>(arp, 14) & sourceMask) == source && (load<u32>(arp, 24) & destinationMask) == destination;
}

/** RFC 791. Ports (RFC 768, RFC 9293) stand in a first fragment only. */
function isWantedIp4(header: usize, length: u32): bool {
  if (length < 20 || (load<u32>(header, 12) & sourceMask) != source || (load<u32>(header, 16) & destinationMask) != destination) return false;
  const number = <u32>load<u8>(header, 9);
  if (protocol != ANY && number != protocol) return false;
  if (port == ANY) return true;
  const skip = (<u32>load<u8>(header) & 15) << 2;
  const laterFragment = (load<u16>(header, 6) & 0xff1f) != 0; // 13 bits, big-endian
  if ((number != TCP && number != UDP) || laterFragment || length < skip + 4) return false;
  const swapped = ((port & 0xff) << 8) | (port >> 8);
  return <u32>load<u16>(header + skip) == swapped || <u32>load<u16>(header + skip, 2) == swapped;
}
