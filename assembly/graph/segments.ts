// The segments of a super-packet: what a device would have cut it into. TCP (RFC 9293) and UDP: for UDP each segment is a datagram.

import { B_CSUM_FLAGS } from "../abi";
import { lengthHere, lengthTotal, packetAt } from "../sdk/buffer";
import { fold, sumPacket } from "../wire/checksum";
import { PROTOCOL_TCP, PROTOCOL_UDP, headerLength, identification, protocol, pseudoSum, setFragment, setIdentification } from "../wire/ipv4";
import { TCP_CHECKSUM, TCP_HEADER, setSegment, tcpHeaderLength } from "../wire/tcp";
import { UDP_CHECKSUM, UDP_HEADER, setUdpLength } from "../wire/udp";

/** Bytes of the IP and transport header of a super-packet; 0 when they are not whole, or the protocol is another one. */
export function headersLength(buffer: usize): u32 {
  const header = packetAt(buffer);
  const skip = headerLength(header);
  if (protocol(header) == PROTOCOL_UDP) return skip + UDP_HEADER <= lengthHere(buffer) ? skip + UDP_HEADER : 0;
  if (protocol(header) != PROTOCOL_TCP || skip + TCP_HEADER > lengthHere(buffer)) return 0;
  const length = tcpHeaderLength(header + skip);
  return length >= TCP_HEADER && skip + length <= lengthHere(buffer) ? skip + length : 0;
}

/** Makes the headers of a segment its own; it is number `n` of its super-packet, and its data begin `at` bytes after the first's. */
export function finishSegment(buffer: usize, n: u32, at: u32, last: bool): void {
  const header = packetAt(buffer);
  const skip = headerLength(header);
  const message = header + skip;
  const length = lengthTotal(buffer) - skip;
  const tcp = protocol(header) == PROTOCOL_TCP;
  setIdentification(header, identification(header) + n);
  setFragment(header, skip, skip + length, 0);
  if (tcp) setSegment(message, at, n == 0, last);
  else setUdpLength(message, length);
  const checksum = message + (tcp ? TCP_CHECKSUM : UDP_CHECKSUM);
  store<u16>(checksum, 0);
  const sum = fold(<u64>pseudoSum(header, length) + <u64>sumPacket(buffer, skip)) ^ 0xffff;
  store<u16>(checksum, <u16>(sum == 0 && !tcp ? 0xffff : sum)); // 0 would mean "none" to UDP (RFC 768), and to it alone
  store<u8>(buffer, 0, B_CSUM_FLAGS);
}
