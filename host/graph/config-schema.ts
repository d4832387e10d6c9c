// What a node's declaration says about its configuration: a small part of JSON Schema, and where each value lies.
//
//    { "type": "object", "properties": { … }, "required": [ … ] }
//
// A property is a value (config-value.ts) or an array of objects of values. The layout is fixed by the
// declaration's order alone, so that a node in any language reads it with constant offsets:
//
//    value                                        words (u32)
//    -------------------------------------------  ---------------------------------------------------
//    integer; with format u64                     the number; low and high half, at a multiple of 8
//    boolean                                      0 or 1
//    string with enum                             place in the enum
//    string with format ipv4                      raw
//    string with format ipv4-prefix               address and mask, both raw
//    string with format mac                       six bytes, then two zero ones
//    string with format interface                 software interface index
//    array                                        address of the first item (0 when there is none), count
//
// An object's size is a multiple of 4, of 8 where it has a u64. The items of arrays follow behind the
// top object, array by array in the declaration's order, each array at a multiple of 8:
//
//   0           4          8                 16            20          24             24 + size of a rule
//   +-----------+----------+-----------------+-------------+-----------+--------------+--------------+- - -
//   | mode      |    -     | limit, a u64    | rules: at   | count     | rules[0]     | rules[1]     |
//   +-----------+----------+-----------------+-------------+-----------+--------------+--------------+- - -
//                                              at = base + 24

import { WeftError } from "../errors.js";
import { suggestion } from "../nearest.js";
import { encodeValue, type IntegerSchema, isWide, shown, type ValueSchema, widest, wordCount } from "./config-value.js";

export interface ObjectSchema<Property> {
  type: "object";
  properties: Record<string, Property>;
  required?: string[];
}

export interface ArraySchema {
  type: "array";
  items: ObjectSchema<ValueSchema>;
  maxItems: number;
}

export type PropertySchema = ValueSchema | ArraySchema;
export type ConfigSchema = ObjectSchema<PropertySchema>;

/** Where the values of an object lie. */
export interface ObjectLayout<Property> {
  fields: { name: string; at: number; schema: Property }[];
  size: number;
}

const PROPERTIES_MAX = 64;
const ITEMS_MAX = 65536;
const ENUM_MAX = 256;
const ENCODED_MAX = 2 ** 20;
const FORMATS = ["ipv4", "ipv4-prefix", "mac", "interface"];
/** Begins with a letter: JavaScript keeps the order of such names, and none of them is `__proto__`. */
const NAME = /^[a-z][a-z0-9_-]{0,47}$/i;
const COMMENTS = ["type", "title", "description"];

/**
 * Takes a schema out of a manifest, which anyone may have written; `where` is how messages call it: "acl.wasm: node acl: config".
 * Throws BAD_MODULE.
 */
export function checkSchema(schema: unknown, where: string): ConfigSchema {
  checkObject(schema, where, checkProperty);
  const checked = schema as ConfigSchema;
  const most = encodedSize(checked, (array) => array.maxItems);
  if (most > ENCODED_MAX) throw bad(where, `can grow to ${most} bytes, at most ${ENCODED_MAX} are allowed: lower its maxItems`);
  return checked;
}

/** Where an object's values lie, from its own address on. */
export function layOut<Property extends PropertySchema>(schema: ObjectSchema<Property>): ObjectLayout<Property> {
  let end = 0;
  const fields = Object.entries(schema.properties).map(([name, property]) => {
    const at = isWide(property) ? roundUp(end, 8) : end;
    end = at + 4 * (property.type === "array" ? 2 : wordCount(property));
    return { name, at, schema: property };
  });
  return { fields, size: roundUp(end, fields.some((field) => isWide(field.schema)) ? 8 : 4) };
}

/** Bytes of a configuration whose arrays have so many items. */
export function encodedSize(schema: ConfigSchema, count: (array: ArraySchema, name: string) => number): number {
  const { fields, size } = layOut(schema);
  let end = roundUp(size, 8);
  for (const { name, schema: array } of fields) {
    if (array.type === "array") end = roundUp(end + count(array, name) * layOut(array.items).size, 8);
  }
  return end;
}

export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

type Check = (schema: Record<string, unknown>, where: string) => void;

function checkObject(schema: unknown, where: string, checkEach: Check): void {
  const { type, properties, required } = checkKeywords(schema, where, ["properties", "required"]);
  if (type !== "object") throw bad(where, `its type is ${shown(type)}, it must be "object"`);
  if (!isObject(properties)) throw bad(`${where}.properties`, `${shown(properties)} is not an object of properties`);
  const names = Object.keys(properties);
  if (names.length > PROPERTIES_MAX) throw bad(`${where}.properties`, `${names.length} properties, at most ${PROPERTIES_MAX} are allowed`);
  for (const name of names) {
    if (!NAME.test(name)) throw bad(`${where}.properties`, `${shown(name)} is no name: a letter, then at most 47 letters, digits, "-" and "_"`);
    const property = properties[name];
    if (!isObject(property)) throw bad(`${where}.properties.${name}`, `${shown(property)} is not a schema`);
    checkEach(property, `${where}.properties.${name}`);
  }
  if (required !== undefined) checkRequired(required, names, `${where}.required`);
}

function checkRequired(required: unknown, names: string[], where: string): void {
  if (!Array.isArray(required)) throw bad(where, `${shown(required)} is not an array of names`);
  const stranger = required.findIndex((name) => !names.includes(name as string));
  if (stranger >= 0) throw bad(where, `${shown(required[stranger])} is none of its properties`);
}

function checkProperty(schema: Record<string, unknown>, where: string): void {
  if (schema.type !== "array") return checkValue(schema, where);
  const { items, maxItems } = checkKeywords(schema, where, ["items", "maxItems"]);
  if (!isWhole(maxItems, 1, ITEMS_MAX)) throw bad(`${where}.maxItems`, `${shown(maxItems)} is not a whole number from 1 to ${ITEMS_MAX}`);
  checkObject(items, `${where}.items`, (property, place) => {
    if (property.type === "array") throw bad(place, "an array in an array: its items may hold values only");
    checkValue(property, place);
  });
  if (layOut(items as ObjectSchema<ValueSchema>).size === 0) throw bad(`${where}.items`, "declares no properties: its items would have no bytes");
}

function checkValue(schema: Record<string, unknown>, where: string): void {
  switch (schema.type) {
    case "integer":
      return checkInteger(schema, where);
    case "boolean":
      checkKeywords(schema, where, ["default"]);
      break;
    case "string":
      checkString(schema, where);
      break;
    default:
      throw bad(where, `its type is ${shown(schema.type)}, it must be one of integer, boolean, string, array`);
  }
  checkDefault(schema, where);
}

function checkInteger(schema: Record<string, unknown>, where: string): void {
  const { format, minimum, maximum } = checkKeywords(schema, where, ["format", "minimum", "maximum", "default"]);
  if (format !== undefined && format !== "u64") throw bad(`${where}.format`, `${shown(format)} is not "u64"`);
  const most = widest(schema as unknown as IntegerSchema);
  for (const [keyword, bound] of Object.entries({ minimum, maximum })) {
    if (bound === undefined || isWhole(bound, 0, most)) continue;
    throw bad(`${where}.${keyword}`, `${shown(bound)} is not a whole number from 0 to ${most}`);
  }
  if (Number(minimum ?? 0) > Number(maximum ?? most)) throw bad(where, `its minimum ${minimum} is above its maximum ${maximum}`);
  checkDefault(schema, where);
}

function checkString(schema: Record<string, unknown>, where: string): void {
  if (schema.enum !== undefined) {
    const { enum: words } = checkKeywords(schema, where, ["enum", "default"]);
    const known = Array.isArray(words) && words.length > 0 && words.length <= ENUM_MAX && new Set(words).size === words.length;
    if (!known || !words.every((word) => typeof word === "string" && /^[\x21-\x7e]{1,64}$/.test(word))) {
      throw bad(`${where}.enum`, `must be 1 to ${ENUM_MAX} different words of 1 to 64 printable ASCII characters`);
    }
    return;
  }
  const { format } = checkKeywords(schema, where, schema.format === "interface" ? ["format"] : ["format", "default"]);
  if (FORMATS.includes(format as string)) return;
  throw bad(where, `its format is ${shown(format)}, it must be one of ${FORMATS.join(", ")}, or it has an enum`);
}

function checkDefault(schema: Record<string, unknown>, where: string): void {
  if (schema.default === undefined) return;
  const wrong = encodeValue(schema as unknown as ValueSchema, schema.default, { interfaceIndex: () => 0 });
  if (typeof wrong === "string") throw bad(`${where}.default`, `${shown(schema.default)} ${wrong}`);
}

/** The schema itself when it has none but these keywords. */
function checkKeywords(schema: unknown, where: string, keywords: string[]): Record<string, unknown> {
  if (!isObject(schema)) throw bad(where, `${shown(schema)} is not a schema`);
  const known = [...COMMENTS, ...keywords];
  const stranger = Object.keys(schema).find((keyword) => !known.includes(keyword));
  if (stranger !== undefined) throw bad(where, `unknown keyword ${shown(stranger)}${suggestion(stranger, known)}`);
  for (const comment of ["title", "description"]) {
    const text = schema[comment];
    if (text !== undefined && typeof text !== "string") throw bad(`${where}.${comment}`, `${shown(text)} is not text`);
  }
  return schema;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= least && value <= most;
}

function bad(where: string, what: string): WeftError {
  return new WeftError("BAD_MODULE", `${where}: ${what}`);
}
