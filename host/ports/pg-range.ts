// A range of values in a packet generator's text: 7, 0x10-0x1f (counting up), 198.51.100.1+198.51.100.9 (random).

import { isIPv4 } from "node:net";
import type { PgRange } from "../addon.js";
import { WeftError } from "../errors.js";
import { quote } from "../nearest.js";

/** What values stand in a place: how they are written, and how large they may be. */
export interface ValueKind {
  /** "a port from 0 to 65535" */
  expected: string;
  /** undefined: not one of these */
  parse: (text: string) => number | undefined;
}

export function numbers(what: string, least: number, most: number): ValueKind {
  const parse = (text: string): number | undefined => {
    const value = /^(\d{1,15}|0x[0-9a-f]{1,12})$/i.test(text) ? Number(text) : NaN;
    return value >= least && value <= most ? value : undefined;
  };
  return { expected: `${what} from ${least} to ${most}`, parse };
}

export const MACS: ValueKind = {
  expected: "a MAC address",
  parse: (text) => (/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text) ? Number(`0x${text.replaceAll(":", "")}`) : undefined),
};

export const ADDRESSES: ValueKind = {
  expected: "an IPv4 address",
  parse: (text) => (isIPv4(text) ? text.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0) : undefined),
};

/** Parses a range for `bytes` bytes at `at`. Throws BAD_ARGUMENT; `place` says where it stands. */
export function parseRange(text: string, kind: ValueKind, at: number, bytes: number, place: string): PgRange {
  const [, first = "", sign, last] = /^([^-+]*)(?:([-+])(.*))?$/.exec(text) ?? [];
  const from = kind.parse(first);
  const to = sign === undefined ? from : kind.parse(last!);
  if (from === undefined || to === undefined) {
    const expected = `${kind.expected}, or two of them with "-" (counting) or "+" (random) between`;
    throw new WeftError("BAD_ARGUMENT", `${place}: ${quote(text)} is not ${expected}`);
  }
  if (from > to) throw new WeftError("BAD_ARGUMENT", `${place}: the range ${quote(text)} begins above its end`);
  return { at, bytes, from, count: to - from + 1, random: sign === "+" };
}
