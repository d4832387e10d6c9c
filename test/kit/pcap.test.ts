import { test } from "uvu";
import * as assert from "uvu/assert";
import fc from "fast-check";
import { WeftError } from "../../host/errors.js";
import { parsePcap, readPcap } from "../../host/kit/pcap.js";

interface Form {
  little: boolean;
  magic: number;
}

/** A capture as libpcap would write it. */
function capture({ little, magic }: Form, packets: [seconds: number, fraction: number, data: number[], original?: number][], link = 1): Uint8Array {
  const bytes = new Uint8Array(24 + packets.reduce((sum, [, , data]) => sum + 16 + data.length, 0));
  const view = new DataView(bytes.buffer);
  [magic, 0x00040002, 0, 0, 65535, link].forEach((word, i) => view.setUint32(i * 4, word, little));
  let at = 24;
  for (const [seconds, fraction, data, original] of packets) {
    [seconds, fraction, data.length, original ?? data.length].forEach((word, i) => view.setUint32(at + i * 4, word, little));
    bytes.set(data, at + 16);
    at += 16 + data.length;
  }
  return bytes;
}

const MICRO = 0xa1b2c3d4;
const NANO = 0xa1b23c4d;

test("both byte orders, micro- and nanoseconds", () => {
  for (const little of [true, false]) {
    for (const [magic, ns] of [[MICRO, 5_000_000_123_000n], [NANO, 5_000_000_000_123n]] as const) {
      const { link, packets } = parsePcap(capture({ little, magic }, [[5000, 123, [1, 2, 3]], [5001, 0, [], 9]], 101), "a.pcap");
      assert.is(link, 101);
      assert.equal(packets.map(({ time, data, original }) => [time, [...data], original]), [[ns, [1, 2, 3], 3], [5_001_000_000_000n, [], 9]]);
    }
  }
  assert.equal(parsePcap(capture({ little: true, magic: MICRO }, []), "a.pcap").packets, []);
});

test("what is no pcap, and what is damaged", () => {
  const good = capture({ little: true, magic: MICRO }, [[1, 2, [1, 2, 3]]]);
  const long = good.slice();
  new DataView(long.buffer).setUint32(32, 0x40001, true);
  const cases: [Uint8Array, string][] = [
    [Uint8Array.of(0x0a, 0x0d, 0x0d, 0x0a), 'a.pcap: pcapng: turn it into pcap with "editcap -F pcap IN OUT"'],
    [Uint8Array.of(), "a.pcap: no packet capture: 0 bytes, and the header alone has 24"],
    [good.subarray(0, 23), "a.pcap: no packet capture: 23 bytes, and the header alone has 24"],
    [new Uint8Array(64), "a.pcap: no packet capture: it does not begin as pcap files do"],
    [good.subarray(0, 39), "a.pcap: packet 1: the file ends in its header"],
    [good.subarray(0, 42), "a.pcap: packet 1: the file ends 1 bytes before it does"],
    [long, "a.pcap: packet 1: a length of 262145, more than the 262144 that pcap allows"],
  ];
  for (const [bytes, message] of cases) {
    assert.throws(() => parsePcap(bytes, "a.pcap"), (error: Error) => error instanceof WeftError && error.message === message);
  }
  assert.throws(() => readPcap("/nonexistent/a.pcap"), (error: WeftError) => error.code === "NOT_FOUND");
});

test("whatever the bytes: packets within them, or a WeftError", () => {
  const headed = fc.uint8Array({ maxLength: 200 }).map((rest) => Uint8Array.from([...capture({ little: true, magic: NANO }, []), ...rest]));
  fc.assert(fc.property(fc.oneof(headed, fc.uint8Array({ maxLength: 64 })), (bytes) => {
    try {
      const { packets } = parsePcap(bytes, "x");
      assert.is(packets.reduce((sum, { data }) => sum + 16 + data.length, 24), bytes.length);
    } catch (error) {
      if (!(error instanceof WeftError)) throw error;
    }
  }), { numRuns: 2000 });
});

test.run();
