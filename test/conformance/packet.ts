// Packets byte by byte: what the points send. Every field can be given a value that is wrong.

export const IP4 = 0x0800;
export const ARP = 0x0806;
export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
export const BROADCAST = "ff:ff:ff:ff:ff:ff";

export const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ""), "hex");
export const address = (text: string): Buffer => Buffer.from(text.split(".").map(Number));
export const mac = (text: string): Buffer => hex(text.replaceAll(":", ""));

/** Bytes that count up, so that whoever sees a part of them knows which part. */
export const counting = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, (_, i) => (i + (i >> 8)) & 0xff));

/** RFC 1071: the sum of 16-bit words, folded, not inverted. */
export function sum(bytes: Buffer): number {
  let total = 0;
  for (let i = 0; i + 1 < bytes.length; i += 2) total += bytes.readUInt16BE(i);
  if (bytes.length % 2 === 1) total += bytes[bytes.length - 1]! << 8;
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

export interface Ip4Fields {
  version?: number;
  /** header length in words, as it stands in the header */
  words?: number;
  tos?: number;
  total?: number;
  id?: number;
  df?: boolean;
  mf?: boolean;
  /** the reserved bit */
  evil?: boolean;
  /** fragment offset in units of 8 bytes */
  offset?: number;
  ttl?: number;
  protocol?: number;
  /** header checksum; without it the right one */
  checksum?: number;
  /** hex; filled up to a multiple of 4 with zeros */
  options?: string;
}

/** RFC 791, 3.1. */
export function ip4(from: string, to: string, payload: Buffer, fields: Ip4Fields = {}): Buffer {
  const options = hex(fields.options ?? "");
  const header = Buffer.alloc(20 + Math.ceil(options.length / 4) * 4);
  header[0] = ((fields.version ?? 4) << 4) | (fields.words ?? header.length / 4);
  header[1] = fields.tos ?? 0;
  header.writeUInt16BE(fields.total ?? header.length + payload.length, 2);
  header.writeUInt16BE(fields.id ?? 0x1234, 4);
  const flags = (fields.evil ? 0x8000 : 0) | (fields.df ? 0x4000 : 0) | (fields.mf ? 0x2000 : 0);
  header.writeUInt16BE(flags | (fields.offset ?? 0), 6);
  header[8] = fields.ttl ?? 64;
  header[9] = fields.protocol ?? UDP;
  address(from).copy(header, 12);
  address(to).copy(header, 16);
  options.copy(header, 20);
  header.writeUInt16BE(fields.checksum ?? sum(header) ^ 0xffff, 10);
  return Buffer.concat([header, payload]);
}

function pseudoHeader(from: string, to: string, protocol: number, length: number): Buffer {
  return Buffer.concat([address(from), address(to), Buffer.from([0, protocol, length >> 8, length & 0xff])]);
}

/** A UDP datagram (RFC 768) in its packet. */
export function datagram(from: string, to: string, fields: Ip4Fields & { data?: Buffer; port?: number; source?: number; udpSum?: number; udpLength?: number } = {}): Buffer {
  const data = fields.data ?? counting(16);
  const udp = Buffer.alloc(8 + data.length);
  udp.writeUInt16BE(fields.source ?? 40000, 0);
  udp.writeUInt16BE(fields.port ?? 33434, 2);
  udp.writeUInt16BE(fields.udpLength ?? udp.length, 4);
  data.copy(udp, 8);
  udp.writeUInt16BE(fields.udpSum ?? ((sum(Buffer.concat([pseudoHeader(from, to, UDP, udp.length), udp])) ^ 0xffff) || 0xffff), 6);
  return ip4(from, to, udp, { protocol: UDP, ...fields });
}

/** A TCP segment without data (RFC 9293, 3.1) in its packet. */
export function segment(from: string, to: string, flags: number, fields: Ip4Fields & { tcpSum?: number; data?: Buffer } = {}): Buffer {
  const data = fields.data ?? Buffer.alloc(0);
  const tcp = Buffer.concat([hex("9c40 0050 01020304 05060708 50 00 2000 0000 0000"), data]);
  tcp[13] = flags;
  tcp.writeUInt16BE(fields.tcpSum ?? sum(Buffer.concat([pseudoHeader(from, to, TCP, tcp.length), tcp])) ^ 0xffff, 16);
  return ip4(from, to, tcp, { protocol: TCP, ...fields });
}

/** An ICMP message (RFC 792): type, code, four bytes, data. */
export function icmpMessage(type: number, code: number, rest: string, data: Buffer = Buffer.alloc(0), checksum?: number): Buffer {
  const message = Buffer.concat([Buffer.from([type, code, 0, 0]), hex(rest), data]);
  message.writeUInt16BE(checksum ?? sum(message) ^ 0xffff, 2);
  return message;
}

export function icmp(from: string, to: string, message: Buffer, fields: Ip4Fields = {}): Buffer {
  return ip4(from, to, message, { protocol: ICMP, ...fields });
}

export function echo(from: string, to: string, fields: Ip4Fields & { data?: Buffer } = {}): Buffer {
  return icmp(from, to, icmpMessage(8, 0, "00010001", fields.data ?? counting(32)), fields);
}

/** Cuts a packet into fragments of `size` payload bytes (RFC 791, 3.2). */
export function fragments(packet: Buffer, size: number): Buffer[] {
  const header = (packet[0]! & 15) * 4;
  const payload = packet.subarray(header);
  const parts: Buffer[] = [];
  for (let at = 0; at < payload.length; at += size) parts.push(fragment(packet, at, Math.min(size, payload.length - at), at + size < payload.length));
  return parts;
}

/** One fragment: bytes `at` to `at + length` of the payload. */
export function fragment(packet: Buffer, at: number, length: number, more: boolean, id?: number): Buffer {
  const size = (packet[0]! & 15) * 4;
  const header = Buffer.from(packet.subarray(0, size));
  header.writeUInt16BE(size + length, 2);
  if (id !== undefined) header.writeUInt16BE(id, 4);
  header.writeUInt16BE((more ? 0x2000 : 0) | (at / 8), 6);
  header.writeUInt16BE(0, 10);
  header.writeUInt16BE(sum(header) ^ 0xffff, 10);
  return Buffer.concat([header, packet.subarray(size + at, size + at + length)]);
}

export interface ArpFields {
  hardware?: number;
  protocol?: number;
  hlen?: number;
  plen?: number;
  operation?: number;
  senderMac: string;
  sender: string;
  targetMac?: string;
  target: string;
}

/** RFC 826. */
export function arp(fields: ArpFields): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(fields.hardware ?? 1, 0);
  head.writeUInt16BE(fields.protocol ?? IP4, 2);
  head[4] = fields.hlen ?? 6;
  head[5] = fields.plen ?? 4;
  head.writeUInt16BE(fields.operation ?? 1, 6);
  return Buffer.concat([head, mac(fields.senderMac), address(fields.sender), mac(fields.targetMac ?? "00:00:00:00:00:00"), address(fields.target)]);
}

export function ethernet(to: string, from: string, type: number, payload: Buffer): Buffer {
  return Buffer.concat([mac(to), mac(from), Buffer.from([type >> 8, type & 0xff]), payload]);
}
