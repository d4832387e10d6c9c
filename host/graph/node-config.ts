// A node's configuration: JSON that its schema allows, as the bytes that the node reads. config-schema.ts draws the layout.

import { WeftError } from "../errors.js";
import { suggestion } from "../nearest.js";
import { type ConfigSchema, encodedSize, layOut, type ObjectSchema, type PropertySchema, roundUp } from "./config-schema.js";
import { type ConfigContext, encodeValue, shown, type ValueSchema } from "./config-value.js";

export { checkSchema, type ConfigSchema } from "./config-schema.js";
export type { ConfigContext } from "./config-value.js";

/** A configuration that its schema allows. */
export interface EncodedConfig {
  size: number;
  /** Its bytes when they lie at `base`, a multiple of 8: arrays are found by their address. */
  write(base: number): Uint8Array;
}

type Values = ReadonlyMap<string, unknown>;

/** Encodes a configuration; `where` is how messages call it. Throws BAD_ARGUMENT, NOT_FOUND for an interface that there is not. */
export function encodeConfig(schema: ConfigSchema, config: unknown, context: ConfigContext, where = "config"): EncodedConfig {
  const values = checkNames(schema, config, where);
  const items = (name: string): unknown[] => (values.get(name) as unknown[] | undefined) ?? [];
  const top = layOut(schema);
  for (const { name, schema: property } of top.fields) {
    if (property.type === "array") checkArray(property.maxItems, values.get(name), `${where}.${name}`);
  }
  const size = encodedSize(schema, (_, name) => items(name).length);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  const addresses: number[] = [];

  let end = roundUp(top.size, 8);
  for (const { name, at, schema: property } of top.fields) {
    if (property.type !== "array") {
      put(view, at, property, values.get(name), context, `${where}.${name}`);
      continue;
    }
    if (items(name).length === 0) continue;
    addresses.push(at);
    view.setUint32(at, end, true);
    view.setUint32(at + 4, items(name).length, true);
    end = roundUp(putItems(view, end, property.items, items(name), context, `${where}.${name}`), 8);
  }
  return { size, write: (base) => moved(bytes, addresses, base) };
}

/** The configuration that holds when none was given. Throws BAD_ARGUMENT when one is needed. */
export function defaults(schema: ConfigSchema, where = "config"): Record<string, unknown> {
  const missing = schema.required?.filter((name) => defaultOf(schema.properties[name]!) === undefined) ?? [];
  if (missing.length > 0) throw bad(where, `${missing.join(", ")} must be given: this node has no default for ${missing.length > 1 ? "them" : "it"}`);
  const all = Object.entries(schema.properties).map(([name, property]): [string, unknown] => [name, defaultOf(property)]);
  return Object.fromEntries(all.filter(([, value]) => value !== undefined));
}

/** The bytes, their addresses counted from `base`. */
function moved(bytes: Uint8Array, addresses: number[], base: number): Uint8Array {
  const copy = bytes.slice();
  const view = new DataView(copy.buffer);
  for (const at of addresses) view.setUint32(at, view.getUint32(at, true) + base, true);
  return copy;
}

/** Writes an array's items; gives their end. */
function putItems(view: DataView, base: number, schema: ObjectSchema<ValueSchema>, items: unknown[], context: ConfigContext, where: string): number {
  const { fields, size } = layOut(schema);
  for (const [i, item] of items.entries()) {
    const place = `${where}[${i}]`;
    const values = checkNames(schema, item, place);
    for (const { name, at, schema: property } of fields) put(view, base + i * size + at, property, values.get(name), context, `${place}.${name}`);
  }
  return base + items.length * size;
}

/** Writes a value; one that is neither given nor has a default stays zero. */
function put(view: DataView, at: number, schema: ValueSchema, given: unknown, context: ConfigContext, where: string): void {
  const value = given === undefined ? defaultOf(schema) : given;
  if (value === undefined) return;
  const words = encode(schema, value, context, where);
  if (typeof words === "string") throw bad(where, `${shown(value)} ${words}`);
  words.forEach((word, k) => view.setUint32(at + 4 * k, word, true));
}

function encode(schema: ValueSchema, value: unknown, context: ConfigContext, where: string): number[] | string {
  try {
    return encodeValue(schema, value, context);
  } catch (cause) {
    if (cause instanceof WeftError) throw new WeftError(cause.code, `${where}: ${cause.message}`, { cause });
    throw cause;
  }
}

function checkArray(maxItems: number, value: unknown, where: string): void {
  if (value === undefined) return;
  if (!Array.isArray(value)) throw bad(where, `${shown(value)} is not an array`);
  if (value.length > maxItems) throw bad(where, `${value.length} items, at most ${maxItems} are allowed`);
}

/** An object's values, when it has no property that its schema does not name, and all that it requires. */
function checkNames(schema: ObjectSchema<PropertySchema>, value: unknown, where: string): Values {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(where, `${shown(value)} is not an object`);
  const values = new Map<string, unknown>(Object.entries(value)); // its own properties: an object has a "constructor" too
  const known = Object.keys(schema.properties);
  const stranger = [...values.keys()].find((name) => !known.includes(name));
  if (stranger !== undefined) {
    throw bad(where, `unknown property ${shown(stranger)}${known.length === 0 ? ": it has none" : suggestion(stranger, known)}`);
  }
  const missing = schema.required?.find((name) => values.get(name) === undefined && defaultOf(schema.properties[name]!) === undefined);
  if (missing !== undefined) throw bad(`${where}.${missing}`, "must be given");
  return values;
}

function defaultOf(schema: PropertySchema): unknown {
  return "default" in schema ? schema.default : undefined;
}

function bad(where: string, what: string): WeftError {
  return new WeftError("BAD_ARGUMENT", `${where}: ${what}`);
}
