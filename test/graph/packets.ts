// Frames for tests, built from their fields with right checksums.

/** Bytes of hex text; blanks are for the reader. */
export function fromHex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replace(/\s/g, ""), "hex"));
}

export function toHex(frame: Uint8Array): string {
  return Buffer.from(frame).toString("hex");
}

/** Hex text as toHex writes it: without blanks. */
export function hex(text: string): string {
  return toHex(fromHex(text));
}

/** Bytes that count up from 0. */
export function numbers(length: number): number[] {
  return Array.from({ length }, (_, i) => i & 255);
}

/** "02:00:00:00:00:01" or "192.0.2.1" → bytes. */
export function bytesOf(address: string): number[] {
  return address.includes(":") ? address.split(":").map((part) => parseInt(part, 16)) : address.split(".").map(Number);
}

/** RFC 1071, the slow way. */
export function checksum(bytes: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

const word = (value: number): number[] => [(value >>> 8) & 255, value & 255];

export function ethernet(to: string, from: string, type: number, payload: ArrayLike<number>): Uint8Array {
  return Uint8Array.from([...bytesOf(to), ...bytesOf(from), ...word(type), ...Array.from(payload)]);
}

export interface Ip4 {
  from: string;
  to: string;
  protocol: number;
  ttl?: number;
  /** flags and fragment offset */
  fragment?: number;
  options?: number[];
  payload: number[];
}

export function ip4({ from, to, protocol, ttl = 64, fragment = 0, options = [], payload }: Ip4): number[] {
  const length = 20 + options.length;
  const header = [0x40 | (length / 4), 0, ...word(length + payload.length), 0x12, 0x34, ...word(fragment), ttl, protocol, 0, 0, ...bytesOf(from), ...bytesOf(to), ...options];
  header.splice(10, 2, ...word(checksum(header)));
  return [...header, ...payload];
}

export function icmp(type: number, code: number, rest: number[], data: number[] = []): number[] {
  const message = [type, code, 0, 0, ...rest, ...data];
  message.splice(2, 2, ...word(checksum(message)));
  return message;
}

/** With no checksum, as RFC 768 allows. */
export function udp(from: number, to: number, data: number[]): number[] {
  return [...word(from), ...word(to), ...word(8 + data.length), 0, 0, ...data];
}

/** Ethernet and IPv4 ARP, RFC 826. */
export function arp(operation: number, sender: { mac: string; ip: string }, target: { mac: string; ip: string }): number[] {
  return [0, 1, 8, 0, 6, 4, ...word(operation), ...bytesOf(sender.mac), ...bytesOf(sender.ip), ...bytesOf(target.mac), ...bytesOf(target.ip)];
}
