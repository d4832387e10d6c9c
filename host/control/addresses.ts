// Addresses as text, and as the tables have them: IPv4 "raw", its four bytes as a little-endian word (see abi.ts).

import { WeftError } from "../errors.js";
import { quote } from "../nearest.js";

export interface Prefix {
  /** network address, raw, host bits zero */
  network: number;
  /** the address as given, raw */
  address: number;
  length: number;
}

/** "192.0.2.1" → raw. Throws BAD_ARGUMENT. */
export function parseIp4(text: string): number {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1).map(Number);
  if (!parts || parts.some((part) => part > 255)) throw new WeftError("BAD_ARGUMENT", `${quote(text)} is not an IPv4 address, such as 192.0.2.1`);
  return (parts[0]! | (parts[1]! << 8) | (parts[2]! << 16) | (parts[3]! << 24)) >>> 0;
}

export function formatIp4(raw: number): string {
  return `${raw & 255}.${(raw >>> 8) & 255}.${(raw >>> 16) & 255}.${raw >>> 24}`;
}

/** "192.0.2.1/24" → its parts. Throws BAD_ARGUMENT. */
export function parsePrefix(text: string): Prefix {
  const [address, length, rest] = text.split("/");
  if (length === undefined || rest !== undefined || !/^\d{1,2}$/.test(length) || Number(length) > 32) {
    throw new WeftError("BAD_ARGUMENT", `${quote(text)} is not an IPv4 prefix, such as 192.0.2.0/24`);
  }
  const raw = parseIp4(address!);
  return { address: raw, network: (raw & maskOf(Number(length))) >>> 0, length: Number(length) };
}

export function formatPrefix(network: number, length: number): string {
  return `${formatIp4(network)}/${length}`;
}

/** Network mask of a prefix length, raw. */
export function maskOf(length: number): number {
  return swap(length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0);
}

/** Raw ↔ number in host order. */
export function swap(word: number): number {
  return (((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

/** "02:fe:00:00:00:01" → 6 bytes. Throws BAD_ARGUMENT; also for group addresses and zero, which no interface has. */
export function parseMac(text: string): Uint8Array {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)) {
    throw new WeftError("BAD_ARGUMENT", `${quote(text)} is not a MAC address, such as 02:fe:00:00:00:01`);
  }
  const bytes = Uint8Array.from(text.split(":"), (part) => parseInt(part, 16));
  if (bytes[0]! & 1) throw new WeftError("BAD_ARGUMENT", `${text} is a group address: an interface needs an individual one (first byte even)`);
  if (bytes.every((byte) => byte === 0)) throw new WeftError("BAD_ARGUMENT", `${text} is no address: an interface needs one of its own`);
  return bytes;
}

export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}
