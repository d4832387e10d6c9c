// IPv4 packets with ports, made from their fields and taken apart again; every checksum is computed from scratch, the slow way.

import { bytesOf, checksum, ip4 } from "../graph/packets.js";
import { toHex } from "./harness.js";

export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;

/** One end of a flow: address and port, of ICMP the identifier. */
export interface End {
  ip: string;
  port: number;
}

export interface Datagram {
  protocol: number;
  from: End;
  to: End;
  ttl?: number;
  payload?: number[];
  /** TCP's flags; default ACK */
  tcpFlags?: number;
  /** ICMP's type; default echo request */
  type?: number;
  /** flags and fragment offset of the IPv4 header */
  fragment?: number;
  options?: number[];
  /** UDP without a checksum (RFC 768) */
  unsummed?: boolean;
}

const word = (value: number): number[] => [(value >>> 8) & 255, value & 255];
/** Where each protocol's checksum lies, from the transport header on. */
export const CHECKSUM_AT: Record<number, number> = { [ICMP]: 2, [TCP]: 16, [UDP]: 6 };

/** The bytes of an IPv4 packet. */
export function bytesOfDatagram({ protocol, from, to, ttl = 64, fragment = 0, options = [], ...rest }: Datagram): number[] {
  const payload = transport({ protocol, from, to, ...rest });
  return ip4({ from: from.ip, to: to.ip, protocol, ttl, fragment, options, payload });
}

function transport({ protocol, from, to, payload = [], tcpFlags = 0x10, type = 8, unsummed = false }: Datagram): number[] {
  if (protocol === ICMP) return sealed([type, 0, 0, 0, ...word(type === 0 ? to.port : from.port), 0, 1, ...payload], ICMP, []);
  const ports = [...word(from.port), ...word(to.port)];
  if (protocol === UDP) {
    const header = [...ports, ...word(8 + payload.length), 0, 0, ...payload];
    return unsummed ? header : sealed(header, UDP, pseudoHeader(from.ip, to.ip, UDP, header.length));
  }
  const header = [...ports, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, tcpFlags, 0xff, 0xff, 0, 0, 0, 0, ...payload];
  return sealed(header, TCP, pseudoHeader(from.ip, to.ip, TCP, header.length));
}

/** The bytes with their checksum in its place, over a pseudo header before them. */
function sealed(bytes: number[], protocol: number, pseudo: number[]): number[] {
  const sum = checksum([...pseudo, ...bytes]);
  bytes.splice(CHECKSUM_AT[protocol]!, 2, ...word(protocol === UDP && sum === 0 ? 0xffff : sum));
  return bytes;
}

/** RFC 768; RFC 9293, 3.1. */
export function pseudoHeader(from: string, to: string, protocol: number, length: number): number[] {
  return [...bytesOf(from), ...bytesOf(to), 0, protocol, ...word(length)];
}

/** A TCP or UDP packet as a sender leaves it that has its device do the checksum: the field holds the pseudo header's sum. */
export function unfinished(bytes: number[]): number[] {
  const length = (bytes[0]! & 15) * 4;
  const { from, to } = endsOf(Uint8Array.from(bytes));
  const sum = ~checksum(pseudoHeader(from.ip, to.ip, bytes[9]!, bytes.length - length)) & 0xffff;
  const left = [...bytes];
  left.splice(length + CHECKSUM_AT[bytes[9]!]!, 2, ...word(sum));
  return left;
}

/** An ICMP error that quotes `quoted`. */
export function bytesOfError(from: string, to: string, type: number, code: number, quoted: number[], rest = [0, 0, 0, 0]): number[] {
  return ip4({ from, to, protocol: ICMP, payload: sealed([type, code, 0, 0, ...rest, ...quoted], ICMP, []) });
}

/** As the harness takes it: behind an Ethernet header of zeroes. */
export function hexOf(bytes: number[]): string {
  return "00".repeat(14) + toHex(Uint8Array.from(bytes));
}

/** Ends of a packet's flow, as its bytes say. */
export function endsOf(bytes: Uint8Array): { from: End; to: End } {
  const at = (bytes[0]! & 15) * 4;
  const ip = (offset: number): string => [...bytes.subarray(offset, offset + 4)].join(".");
  const port = (offset: number): number => bytes[offset]! * 256 + bytes[offset + 1]!;
  const [from, to] = bytes[9] === ICMP ? [at + 4, at + 4] : [at, at + 2];
  return { from: { ip: ip(12), port: port(from) }, to: { ip: ip(16), port: port(to) } };
}

/** What is wrong with a packet's checksums; null: nothing. */
export function wrongChecksum(bytes: Uint8Array): string | null {
  const length = (bytes[0]! & 15) * 4;
  if (checksum(bytes.subarray(0, length)) !== 0) return "IPv4 header";
  const protocol = bytes[9]!;
  const payload = bytes.subarray(length);
  const sum = payload.subarray(CHECKSUM_AT[protocol]!, CHECKSUM_AT[protocol]! + 2);
  if (protocol === UDP && sum.every((byte) => byte === 0)) return null;
  const { from, to } = endsOf(bytes);
  const pseudo = protocol === ICMP ? [] : pseudoHeader(from.ip, to.ip, protocol, payload.length);
  return checksum([...pseudo, ...payload]) === 0 ? null : `protocol ${protocol}`;
}
