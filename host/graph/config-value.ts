// One value of a node's configuration: what its schema may say about it, and the 32-bit words that stand for it.

import { nearest, quote } from "../nearest.js";

/** Any whole number that a JSON number holds exactly fits a u64; without the format it is a u32. */
export interface IntegerSchema {
  type: "integer";
  format?: "u64";
  minimum?: number;
  maximum?: number;
  default?: number;
}

export interface BooleanSchema {
  type: "boolean";
  default?: boolean;
}

export interface EnumSchema {
  type: "string";
  enum: string[];
  default?: string;
}

export interface AddressSchema {
  type: "string";
  format: "ipv4" | "ipv4-prefix" | "mac";
  default?: string;
}

/** No default: which interfaces there are is the router's matter. */
export interface InterfaceSchema {
  type: "string";
  format: "interface";
}

export type ValueSchema = IntegerSchema | BooleanSchema | EnumSchema | AddressSchema | InterfaceSchema;

/** What a value needs to know beside its schema. */
export interface ConfigContext {
  /** Software interface index; throws NOT_FOUND. */
  interfaceIndex(name: string): number;
}

const U32_MAX = 0xffffffff;
/** words of a list that a message of one line has room for */
const LISTED = 16;

/** The least and the greatest number that fit, whatever the schema says further. */
export function range(schema: IntegerSchema): { least: number; most: number } {
  return { least: schema.minimum ?? 0, most: schema.maximum ?? widest(schema) };
}

export function widest(schema: IntegerSchema): number {
  return schema.format === "u64" ? Number.MAX_SAFE_INTEGER : U32_MAX;
}

/** How many words a value takes. */
export function wordCount(schema: ValueSchema): number {
  if (!("format" in schema)) return 1;
  return schema.format === "u64" || schema.format === "ipv4-prefix" || schema.format === "mac" ? 2 : 1;
}

/** Whether a value stands at a multiple of 8. */
export function isWide(schema: { type: string }): boolean {
  return schema.type === "integer" && (schema as IntegerSchema).format === "u64";
}

/** The words of a value; or, as text, what is wrong with it: `is not one of allow, deny`. Throws what interfaceIndex throws. */
export function encodeValue(schema: ValueSchema, value: unknown, context: ConfigContext): number[] | string {
  if (schema.type === "integer") return encodeInteger(schema, value);
  if (schema.type === "boolean") return typeof value === "boolean" ? [Number(value)] : "is not true or false";
  if ("enum" in schema) {
    const place = schema.enum.indexOf(value as string);
    return place >= 0 ? [place] : notOneOf(schema.enum, value);
  }
  switch (schema.format) {
    case "ipv4":
      return encodeAddress(value) ?? "is not an IPv4 address, such as 192.0.2.1";
    case "ipv4-prefix":
      return encodePrefix(value) ?? "is not an IPv4 prefix, such as 192.0.2.0/24";
    case "mac":
      return encodeMac(value) ?? "is not a MAC address, such as 02:fe:00:00:00:01";
    case "interface":
      return typeof value === "string" ? [context.interfaceIndex(value)] : "is not an interface's name";
  }
}

function encodeInteger(schema: IntegerSchema, value: unknown): number[] | string {
  const { least, most } = range(schema);
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < least || value > most) {
    return `is not a whole number from ${least} to ${most}`;
  }
  return schema.format === "u64" ? [value % 2 ** 32, Math.floor(value / 2 ** 32)] : [value];
}

/** Raw: the four bytes in network order. */
function encodeAddress(value: unknown): [number] | undefined {
  const parts = typeof value === "string" ? /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(value)?.slice(1).map(Number) : undefined;
  if (!parts || parts.some((part) => part > 255)) return undefined;
  return [littleEndian(parts)];
}

/** Host bits are cleared, so that a node compares with one mask and one address. */
function encodePrefix(value: unknown): [number, number] | undefined {
  const [, text, digits] = (typeof value === "string" && /^([\d.]+)\/(\d{1,2})$/.exec(value)) || [];
  const address = encodeAddress(text);
  const length = Number(digits);
  if (!address || length > 32) return undefined;
  const mask = littleEndian([0, 8, 16, 24].map((from) => (0xff00 >> Math.min(8, Math.max(0, length - from))) & 0xff));
  return [(address[0] & mask) >>> 0, mask];
}

function encodeMac(value: unknown): [number, number] | undefined {
  if (typeof value !== "string" || !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(value)) return undefined;
  const bytes = value.split(":").map((part) => parseInt(part, 16));
  return [littleEndian(bytes.slice(0, 4)), littleEndian(bytes.slice(4))];
}

function littleEndian(bytes: number[]): number {
  return bytes.reduce((word, byte, place) => word + byte * 2 ** (8 * place), 0);
}

function notOneOf(words: string[], value: unknown): string {
  const list = words.length <= LISTED ? words.join(", ") : `${words.slice(0, LISTED).join(", ")}, ... (${words.length})`;
  const near = typeof value === "string" ? nearest(value, words) : undefined;
  return `is not one of ${list}${near === undefined ? "" : `: did you mean ${quote(near)}?`}`;
}

/** A value as messages show it: short, on one line. */
export function shown(value: unknown): string {
  if (typeof value === "string") return quote(value);
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
