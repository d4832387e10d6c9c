// The C++ programs of the rdma port and the emulator; and the ABI of libibverbs as the shim declares it, against the genuine headers.

import { suite } from "uvu";
import * as assert from "uvu/assert";
import { addon, type RdmaPortOptions } from "../host/addon.js";
import { RSS_FIELDS } from "../host/ports/rdma-options.js";
import { compile, runProgram } from "./native-programs.js";

const PROGRAMS: Record<string, string[]> = {
  "dv-rings-test": [
    "rdma/dv_completion", "rdma/dv_receive", "rdma/dv_transmit", "rdma/outgoing", "rdma/ring_dump", "worker_memory",
  ],
  "steering-test": ["emulator/steering", "emulator/toeplitz", "emulator/packet", "emulator/checksum"],
};

for (const [name, native] of Object.entries(PROGRAMS)) runProgram(name, native);

const abi = suite("verbs ABI");
abi("is that of the genuine headers", () => {
  const fields = Object.entries(RSS_FIELDS).map(([name, bits]) => `-DRSS_${name.replace("-", "_")}=${bits}`);
  assert.is(compile(["-fsyntax-only", ...fields, "test/native/verbs-abi-check.cc"]), "");
});
abi.run();

const options = suite("options of the rdma port");
options("one that throws when it is read: that is what the call throws", () => {
  const all = { folder: "", netdev: "", mode: "auto", striding: true, rxQueues: 1, portMac: new Uint8Array(6), memory: new Uint8Array(64) };
  for (const name of Object.keys(all)) {
    const given = Object.defineProperty({ ...all }, name, { get: () => { throw new Error(`no ${name} today`); } });
    assert.throws(() => addon.openRdma(given as unknown as RdmaPortOptions, () => {}), `no ${name} today`);
  }
  assert.throws(() => addon.openRdma({ folder: 1 } as unknown as RdmaPortOptions, () => {}), /^openRdma: queue size$/);
});
options.run();
