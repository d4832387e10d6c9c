import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { formatIp4, formatMac, formatPrefix, maskOf, parseIp4, parseMac, parsePrefix, swap } from "../../host/control/addresses.js";
import { WeftError } from "../../host/errors.js";

function refuses(parse: () => unknown, text: string): void {
  try {
    parse();
  } catch (error) {
    assert.instance(error, WeftError);
    assert.is((error as WeftError).code, "BAD_ARGUMENT");
    return assert.ok((error as WeftError).message.includes(text), (error as WeftError).message);
  }
  assert.unreachable(`"${text}" was taken`);
}

test("an address is its four bytes as they lie in memory", () => {
  assert.is(parseIp4("192.0.2.1"), 0x010200c0);
  assert.is(parseIp4("255.255.255.255"), 0xffffffff);
  assert.is(formatIp4(0x010200c0), "192.0.2.1");
  assert.is(swap(0x010200c0), 0xc0000201);
  assert.equal([maskOf(0), maskOf(1), maskOf(24), maskOf(31), maskOf(32)], [0, 0x80, 0x00ffffff, 0xfeffffff, 0xffffffff]);
});

test("every address, prefix and MAC address survives text and back", () => {
  fc.assert(fc.property(fc.nat(0xffffffff), fc.nat(32), (word, length) => {
    assert.is(parseIp4(formatIp4(word)), word);
    assert.is(swap(swap(word)), word);
    const prefix = parsePrefix(formatPrefix(word, length));
    assert.equal(prefix, { address: word, network: (word & maskOf(length)) >>> 0, length });
    const ones = maskOf(length).toString(2).split("1").length - 1;
    assert.is(ones, length);
  }));
  fc.assert(fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
    bytes[0]! &= 0xfe;
    if (bytes.some((byte) => byte !== 0)) assert.equal(parseMac(formatMac(bytes)), bytes);
  }));
});

test("a prefix keeps the address as given beside its network", () => {
  assert.equal(parsePrefix("192.0.2.77/26"), { address: parseIp4("192.0.2.77"), network: parseIp4("192.0.2.64"), length: 26 });
});

const ADDRESSES = [
  "", "192.0.2", "192.0.2.1.5", "192.0.2.256", "192.0.2.-1", "192.0.2.1 ", " 192.0.2.1", "192.0.2.x", "0x7f.0.0.1", "1e1.0.0.1", "192.0.2.0001",
];
for (const text of ADDRESSES) {
  test(`address "${text}" is refused`, () => refuses(() => parseIp4(text), text));
}

for (const text of ["", "192.0.2.0", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/-1", "192.0.2.0/2x", "192.0.2.0/24/3", "192.0.2.0/ 24", "/24"]) {
  test(`prefix "${text}" is refused`, () => refuses(() => parsePrefix(text), text.split("/")[0]!));
}

const MACS = [
  "", "02:fe:00:00:00", "02:fe:00:00:00:01:02", "2:fe:0:0:0:1", "02-fe-00-00-00-01", "02:fe:00:00:00:0g", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff",
  "00:00:00:00:00:00",
];
for (const text of MACS) {
  test(`MAC address "${text}" is refused`, () => refuses(() => parseMac(text), text));
}

test.run();
