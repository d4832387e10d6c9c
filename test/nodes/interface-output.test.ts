import { test } from "uvu";
import * as assert from "uvu/assert";
import { B_TX_IF, IF_FLAG_ADMIN_UP, IF_FLAG_LINK_UP } from "../../assembly/abi.js";
import { expectDrop, putPacket, reset, run, runFrame, setInterface } from "./harness.js";

const packet = (tx: number) => ({ hex: "020000000002", l2: 0, fields: [[B_TX_IF, 2, tx] as [number, 2, number]] });

test.before.each(() => {
  reset();
  setInterface(1, { slot: 1 });
  setInterface(2, { slot: 7 });
  setInterface(3, { slot: 3, flags: IF_FLAG_LINK_UP });
  setInterface(4, { slot: 4, flags: IF_FLAG_ADMIN_UP });
  setInterface(5, { slot: 0 });
});

test("interface-output: the interface's own slot, per packet", () => {
  assert.equal(run("interface-output", packet(1)), { next: 1, hex: "020000000002", counted: {} });
  [2, 1, 2, 2].forEach((tx, i) => putPacket(i, packet(tx)));
  assert.equal(runFrame("interface-output", 4), [7, 1, 7, 7]);
});

test("interface-output: nowhere to go", () => {
  setInterface(256, { slot: 9 }); // what lies behind the table is no interface, whatever it looks like
  expectDrop("interface-output", packet(256), "no such interface");
  setInterface(256, { flags: 0 });
  expectDrop("interface-output", packet(65535), "no such interface");
  expectDrop("interface-output", packet(3), "interface administratively down");
  expectDrop("interface-output", packet(6), "interface administratively down"); // never made
  expectDrop("interface-output", packet(4), "link down");
  expectDrop("interface-output", packet(5), "interface has no port");
});

test("error-drop: slot 0 for all, whatever stood in the frame", () => {
  assert.equal(run("error-drop", packet(1)), { next: 0, hex: "020000000002", counted: {} });
});

test.run();
