import { test } from "uvu";
import * as assert from "uvu/assert";
import { emulatorOptions } from "../../host/cli/wires.js";

test("wires as the emulator takes them", () => {
  for (const [options, expected] of [
    [["sink"], "wire=sink"],
    [["netdev:weft0,tap:t1,veth:v-2"], "wire=netdev:weft0;wire=netdev:t1;wire=netdev:v-2"],
    [["generator:1000000:64,sink", undefined, "cx6dx"], "wire=generator:1000000:64,model=cx6dx;wire=sink,model=cx6dx"],
    [["pair"], "wire=pair:1;wire=pair:0"],
    [["pair", 4], "wire=pair:1;wire=pair:0;wire=pair:3;wire=pair:2"],
    [["sink", 3], "wire=sink;wire=sink;wire=sink"],
    [["netdev:a,netdev:b", 2], "wire=netdev:a;wire=netdev:b"],
  ] as const) {
    assert.is(emulatorOptions(...(options as unknown as [string, number?, string?])), expected);
  }
});

test("wires that cannot be: one line that says why", () => {
  for (const [options, message] of [
    [[""], "from 1 to 8 ports"],
    [["sink,sink,sink,sink,sink,sink,sink,sink,sink"], "from 1 to 8 ports can be modelled, not 9"],
    [["snik"], 'bad wire "snik": expected netdev:IF'],
    [["netdev:"], 'bad wire "netdev:"'],
    [["netdev:a;mac=02:00:00:00:00:01"], "bad wire"],
    [["netdev:a-name-too-long-"], "bad wire"],
    [["generator:fast"], "bad wire"],
    [["netdev:a", 2], "2 ports need as many wires, not 1"],
    [["sink,sink", 3], "3 ports need as many wires, not 2"],
    [["netdev:a,netdev:a"], '"netdev:a" is the wire of two ports'],
    [["sink,pair"], "wire pair of port 1: port 0 must have it too"],
    [["pair", 3], "wire pair of port 2: port 3 must have it too"],
  ] as const) {
    assert.throws(() => emulatorOptions(...(options as unknown as [string, number?])), (error: Error & { code: string }) => {
      assert.match(error.message, message);
      return error.code === "BAD_COMMAND";
    });
  }
});

test.run();
