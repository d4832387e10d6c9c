// Configurations of nodes: which schemas are taken, the bytes they stand for, and what is said about a wrong value.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { WeftError, type WeftErrorCode } from "../../host/errors.js";
import { type ConfigSchema, checkSchema, defaults, encodeConfig } from "../../host/graph/node-config.js";
import { toHex } from "./packets.js";

const context = {
  interfaceIndex(name: string): number {
    if (name !== "eth7") throw new WeftError("NOT_FOUND", `no interface "${name}"`);
    return 7;
  },
};

const ACL = checkSchema({
  type: "object",
  title: "access list",
  properties: {
    default: { type: "string", enum: ["deny", "allow"], default: "allow" },
    limit: { type: "integer", format: "u64" },
    rules: {
      type: "array",
      maxItems: 3,
      items: {
        type: "object",
        properties: {
          action: { type: "string", enum: ["deny", "allow"] },
          source: { type: "string", format: "ipv4-prefix", default: "0.0.0.0/0" },
          port: { type: "integer", maximum: 65535 },
        },
        required: ["action"],
      },
    },
    on: { type: "string", format: "interface" },
  },
  required: ["limit"],
}, "acl.wasm: node acl: config");

/** The one line of the error that a call must throw. */
function refusal(code: WeftErrorCode, call: () => unknown): string {
  try {
    call();
  } catch (error) {
    assert.instance(error, WeftError);
    assert.is((error as WeftError).code, code);
    assert.not.match((error as Error).message, /\n/);
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}

const wrong = (config: unknown, schema: ConfigSchema = ACL): string =>
  refusal("BAD_ARGUMENT", () => encodeConfig(schema, config, context, "node acl: config"));
const badSchema = (schema: unknown): string => refusal("BAD_MODULE", () => checkSchema(schema, "config"));
const object = (properties: unknown, more: object = {}): object => ({ type: "object", properties, ...more });

test("values and arrays lie where the contract says, addresses counted from the base", () => {
  const rules = [{ action: "deny", source: "10.1.2.3/20", port: 53 }, { action: "allow" }];
  const encoded = encodeConfig(ACL, { limit: 2 ** 40 + 5, rules, on: "eth7" }, context);
  const expected = `
    01000000 00000000  0500000000010000  20001000 02000000  07000000 00000000
    00000000 0a010000 fffff000 35000000
    01000000 00000000 00000000 00000000`;
  assert.is(encoded.size, 64);
  assert.is(toHex(encoded.write(0x100000)), expected.replace(/\s/g, ""));
  assert.is(toHex(encoded.write(0).slice(16, 20)), "20000000");
});

test("each type of value has its words", () => {
  const bytesOf = (schema: object, value: unknown): string =>
    toHex(encodeConfig(checkSchema(object({ it: schema }), ""), { it: value }, context).write(8));
  assert.is(bytesOf({ type: "integer" }, 0xfffffffe), "feffffff00000000");
  assert.is(bytesOf({ type: "integer", format: "u64" }, Number.MAX_SAFE_INTEGER), "ffffffffffff1f00");
  assert.is(bytesOf({ type: "boolean" }, true), "0100000000000000");
  assert.is(bytesOf({ type: "string", enum: ["a", "b", "c"] }, "c"), "0200000000000000");
  assert.is(bytesOf({ type: "string", format: "ipv4" }, "192.0.2.255"), "c00002ff00000000");
  assert.is(bytesOf({ type: "string", format: "mac" }, "02:FE:00:00:01:ff"), "02fe000001ff0000");
  assert.is(bytesOf({ type: "string", format: "interface" }, "eth7"), "0700000000000000");
  const prefixes: [string, string][] = [
    ["255.255.255.255/0", "0000000000000000"], ["192.168.255.255/9", "c0800000ff800000"], ["10.1.2.3/32", "0a010203ffffffff"],
    ["10.1.2.3/31", "0a010202fffffffe"], ["10.1.2.3/8", "0a000000ff000000"],
  ];
  for (const [prefix, hex] of prefixes) assert.is(bytesOf({ type: "string", format: "ipv4-prefix" }, prefix), hex);
});

test("an array without items has no address", () => {
  assert.is(toHex(encodeConfig(ACL, { limit: 0, rules: [] }, context).write(64)).slice(32, 48), "0000000000000000");
});

test("items with a u64 are padded to 8", () => {
  const items = object({ big: { type: "integer", format: "u64" }, small: { type: "integer" } });
  const schema = checkSchema(object({ n: { type: "integer" }, list: { type: "array", maxItems: 2, items } }), "");
  const config = { n: 9, list: [{ big: 1, small: 2 }, { big: 3, small: 4 }] };
  const expected = "09000000 18000000 02000000 00000000".replace("18000000", "50000000");
  const at = `${expected} 0100000000000000 0200000000000000 0300000000000000 0400000000000000`;
  assert.is(toHex(encodeConfig(schema, config, context).write(64)), at.replace(/\s/g, ""));
});

test("a wrong configuration is told with its path, its value and what is right", () => {
  const rule = (rule: unknown): string => wrong({ limit: 1, rules: [{ action: "deny" }, rule] });
  assert.is(rule({ action: "permit" }), 'node acl: config.rules[1].action: "permit" is not one of deny, allow');
  assert.is(rule({ action: "alow" }), 'node acl: config.rules[1].action: "alow" is not one of deny, allow: did you mean "allow"?');
  assert.is(rule({}), "node acl: config.rules[1].action: must be given");
  assert.is(rule({ action: "deny", port: 65536 }), "node acl: config.rules[1].port: 65536 is not a whole number from 0 to 65535");
  assert.is(rule({ action: "deny", port: null }), "node acl: config.rules[1].port: null is not a whole number from 0 to 65535");
  assert.is(rule({ action: "deny", source: "10.0.0.0/33" }),
    'node acl: config.rules[1].source: "10.0.0.0/33" is not an IPv4 prefix, such as 192.0.2.0/24');
  assert.is(rule({ action: "deny", prot: 6 }),
    'node acl: config.rules[1]: unknown property "prot": did you mean "port"? expected one of: action, source, port');
  assert.is(rule(7), "node acl: config.rules[1]: 7 is not an object");
  assert.is(wrong([]), "node acl: config: an array is not an object");
  assert.is(wrong({}), "node acl: config.limit: must be given");
  assert.is(wrong({ limit: 1, rules: {} }), "node acl: config.rules: an object is not an array");
  assert.is(wrong({ limit: 1, rules: [1, 2, 3, 4] }), "node acl: config.rules: 4 items, at most 3 are allowed");
  assert.is(wrong({ limit: 2 ** 53 }), `node acl: config.limit: ${2 ** 53} is not a whole number from 0 to ${2 ** 53 - 1}`);
  assert.is(wrong({ limit: 1, on: 3 }), "node acl: config.on: 3 is not an interface's name");
  assert.is(wrong(JSON.parse('{"limit":1,"__proto__":{}}')),
    'node acl: config: unknown property "__proto__": expected one of: default, limit, rules, on');
  const unknownInterface = refusal("NOT_FOUND", () => encodeConfig(ACL, { limit: 1, on: "eth8" }, context, "node acl: config"));
  assert.is(unknownInterface, 'node acl: config.on: no interface "eth8"');
});

test("a long wrong value, and a long list of right ones, are cut short", () => {
  const many = Array.from({ length: 200 }, (_, i) => `w${i}`);
  const message = wrong({ it: "x".repeat(5000) }, checkSchema(object({ it: { type: "string", enum: many } }), ""));
  assert.match(message, /"x{117}\.\.\." is not one of w0, .* w15, \.\.\. \(200\)$/);
});

test("values that are left out are the defaults, else zero, never what a prototype has", () => {
  const schema = checkSchema(object({ constructor: { type: "integer" }, "to-string": { type: "boolean", default: true } }), "");
  assert.is(toHex(encodeConfig(schema, {}, context).write(0)), "0000000001000000");
});

test("defaults: the configuration that holds without one, or what must be given", () => {
  assert.is(refusal("BAD_ARGUMENT", () => defaults(ACL)), "config: limit must be given: this node has no default for it");
  const properties = { a: { type: "integer", default: 0 }, b: { type: "integer" }, c: { type: "boolean", default: false } };
  const schema = checkSchema(object(properties, { required: ["a"] }), "");
  assert.equal(defaults(schema), { a: 0, c: false });
  const needy = checkSchema(object({ x: { type: "integer" }, y: { type: "integer" } }, { required: ["x", "y"] }), "");
  const message = refusal("BAD_ARGUMENT", () => defaults(needy, "node n: config"));
  assert.is(message, "node n: config: x, y must be given: this node has no default for them");
});

test("a schema that says anything else is refused, by the keyword's name", () => {
  const value = (schema: unknown): string => badSchema(object({ it: schema }));
  assert.is(badSchema(7), "config: 7 is not a schema");
  assert.is(badSchema({ type: "array" }), 'config: its type is "array", it must be "object"');
  assert.is(badSchema({ type: "object" }), "config.properties: undefined is not an object of properties");
  assert.is(badSchema(object({}, { additionalProperties: false })),
    'config: unknown keyword "additionalProperties": expected one of: type, title, description, properties, required');
  assert.is(badSchema(object({}, { title: 5 })), "config.title: 5 is not text");
  assert.is(badSchema(object({ a: { type: "boolean" } }, { required: ["b"] })), 'config.required: "b" is none of its properties');
  assert.match(badSchema(object({ "1": { type: "boolean" } })), /^config\.properties: "1" is no name/);
  assert.match(badSchema(JSON.parse('{"type":"object","properties":{"__proto__":{"type":"boolean"}}}')), /"__proto__" is no name/);
  assert.is(value(null), "config.properties.it: null is not a schema");
  assert.is(value({ type: "number" }), 'config.properties.it: its type is "number", it must be one of integer, boolean, string, array');
  assert.match(value({ type: "integer", pattern: "" }), /^config\.properties\.it: unknown keyword "pattern": expected one of: /);
  assert.is(value({ type: "integer", minimum: -1 }), "config.properties.it.minimum: -1 is not a whole number from 0 to 4294967295");
  assert.is(value({ type: "integer", minimum: 2, maximum: 1 }), "config.properties.it: its minimum 2 is above its maximum 1");
  assert.is(value({ type: "integer", maximum: 5, default: 6 }), "config.properties.it.default: 6 is not a whole number from 0 to 5");
  assert.is(value({ type: "integer", format: "u16" }), 'config.properties.it.format: "u16" is not "u64"');
  assert.match(value({ type: "string" }), /its format is undefined, it must be one of ipv4, ipv4-prefix, mac, interface, or it has an enum$/);
  assert.match(value({ type: "string", format: "interface", default: "eth7" }), /unknown keyword "default"/);
  for (const words of [[], "ab", ["a", "a"], [1], ["two words"], [""], Array.from({ length: 257 }, (_, i) => `w${i}`)]) {
    assert.match(value({ type: "string", enum: words }), /^config\.properties\.it\.enum: must be 1 to 256 different words/);
  }
  assert.match(value({ type: "string", format: "mac", default: "02:00" }), /\.default: "02:00" is not a MAC address/);
});

test("arrays are of objects of values, and bounded", () => {
  const flags = object({ a: { type: "boolean" } });
  const array = (more: object): string => badSchema(object({ it: { type: "array", maxItems: 2, items: flags, ...more } }));
  assert.match(array({ maxItems: 65537 }), /^config\.properties\.it\.maxItems: 65537 is not a whole number from 1 to 65536$/);
  assert.match(array({ maxItems: undefined }), /maxItems: undefined is not/);
  assert.match(array({ items: { type: "integer" } }), /^config\.properties\.it\.items: unknown keyword|its type is "integer"/);
  assert.match(array({ items: object({}) }), /declares no properties/);
  assert.match(array({ items: object({ deep: { type: "array", maxItems: 1, items: flags } }) }), /an array in an array/);
  const mac = object({ a: { type: "string", format: "mac" }, b: { type: "string", format: "mac" } });
  assert.match(array({ items: mac, maxItems: 65536 }), /^config: can grow to 1048584 bytes, at most 1048576 are allowed/);
});

test("a hostile schema costs no time and no stack", () => {
  let deep: unknown = {};
  for (let i = 0; i < 100_000; i++) deep = { type: "array", maxItems: 1, items: { type: "object", properties: { a: deep } } };
  assert.match(badSchema(object({ a: deep })), /an array in an array/);
  const wide = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`p${i}`, { type: "boolean" }]));
  assert.is(badSchema(object(wide)), "config.properties: 65 properties, at most 64 are allowed");
});

test("any value that its schema allows is read again by a reader that knows the contract only", () => {
  fc.assert(fc.property(schemaWithConfig(), fc.integer({ min: 1, max: 4000 }).map((n) => n * 8), ({ schema, config }, base) => {
    const { size, write } = encodeConfig(checkSchema(schema, ""), config, context);
    const bytes = write(base);
    assert.is(bytes.length, size);
    assert.equal(readObject(new DataView(bytes.buffer), base, base, schema as Reader), config);
  }), { numRuns: 300 });
});

interface Reader { properties: Record<string, { type: string; format?: string; enum?: string[]; items?: Reader }> }

/** Walks a configuration as a node's author would by the words of CONTRACT.md. */
function readObject(view: DataView, base: number, from: number, schema: Reader): Record<string, unknown> {
  let at = from;
  const u32 = (): number => view.getUint32((at += 4) - 4 - base, true);
  const result: Record<string, unknown> = {};
  for (const [name, { type, format, enum: words, items }] of Object.entries(schema.properties)) {
    if (format === "u64") at = Math.ceil(at / 8) * 8;
    const first = u32();
    if (items) result[name] = readArray(view, base, first, u32(), items);
    else if (format === "u64") result[name] = first + u32() * 2 ** 32;
    else if (type === "integer") result[name] = first;
    else if (type === "boolean") result[name] = first === 1;
    else result[name] = words?.[first] ?? address(first);
  }
  return result;
}

function readArray(view: DataView, base: number, at: number, count: number, items: Reader): unknown[] {
  const words = Object.values(items.properties).map(({ format }) => (format === "u64" ? 8 : 4));
  let size = 0;
  for (const word of words) size = Math.ceil(size / word) * word + word;
  if (words.includes(8)) size = Math.ceil(size / 8) * 8;
  return Array.from({ length: count }, (_, i) => readObject(view, base, at + i * size, items));
}

function address(raw: number): string {
  return [raw & 255, (raw >>> 8) & 255, (raw >>> 16) & 255, raw >>> 24].join(".");
}

interface Sample { schema: object; config: Record<string, unknown> }

function schemaWithConfig(): fc.Arbitrary<Sample> {
  const value: fc.Arbitrary<[object, fc.Arbitrary<unknown>]> = fc.constantFrom(
    [{ type: "integer" }, fc.integer({ min: 0, max: 0xffffffff })],
    [{ type: "integer", format: "u64" }, fc.maxSafeNat()],
    [{ type: "boolean" }, fc.boolean()],
    [{ type: "string", enum: ["x", "y", "z"] }, fc.constantFrom("x", "y", "z")],
    [{ type: "string", format: "ipv4" }, fc.ipV4()],
  );
  const array = fc.array(value, { minLength: 1, maxLength: 5 }).map((all): [object, fc.Arbitrary<unknown>] => {
    const items = object(Object.fromEntries(all.map(([schema], i) => [`p${i}`, schema])));
    const item = fc.record(Object.fromEntries(all.map(([, arbitrary], i) => [`p${i}`, arbitrary])), { noNullPrototype: true });
    return [{ type: "array", maxItems: 9, items }, fc.array(item, { maxLength: 9 })];
  });
  return fc.array(fc.oneof(value, array), { maxLength: 6 }).chain((all) => {
    const schema = object(Object.fromEntries(all.map(([property], i) => [`q${i}`, property])));
    const config = fc.record(Object.fromEntries(all.map(([, arbitrary], i) => [`q${i}`, arbitrary])), { noNullPrototype: true });
    return config.map((one) => ({ schema, config: one }));
  });
}

test.run();
