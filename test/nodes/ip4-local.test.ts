import { test } from "uvu";
import * as assert from "uvu/assert";
import { LOCAL_PROTOCOLS } from "../../host/control/forwarding.js";
import { ADJ_BROADCAST, B_ADJ, B_CSUM_FLAGS, B_FLAGS, B_FLAG_L4_GOOD, B_ICMP, LOOKUP_NEXT_LOCAL } from "../../assembly/abi.js";
import { expectDrop, reset, run, setAdjacency, u16 } from "./harness.js";

const NODE = "ip4-local";
const packet = (protocol: string, fragment = "4000", to = "c0000201", adjacency = 5) => ({
  hex: `450000201234${fragment} 40${protocol}0000 c0000202 ${to} c0000035000c000077656674`,
  l2: 0,
  fields: [[B_ADJ, 4, adjacency] as [number, 4, number]],
});

test.before.each(() => {
  reset();
  setAdjacency(5, { next: LOOKUP_NEXT_LOCAL, tx: 1 });
  setAdjacency(6, { next: LOOKUP_NEXT_LOCAL, tx: 1, nextHop: ADJ_BROADCAST });
});

test("ICMP", () => {
  const { next, counted } = run(NODE, packet("01"));
  assert.equal([next, counted], ["icmp4-input", {}]);
  assert.is(run(NODE, packet("01", "0000")).next, "icmp4-input");
});

test("UDP: port unreachable", () => {
  const { next, counted } = run(NODE, packet("11"));
  assert.equal([next, counted, u16(0, B_ICMP)], ["ip4-icmp-error", { "no UDP listener": 1 }, 0x0303]);
});

test("UDP: a checksum that is right, one that the device answers for", () => {
  const sent = (sum: string, ...fields: [number, 1 | 2, number][]) => ({ ...packet("11"), hex: packet("11").hex.replace("000c0000", `000c${sum}`),
    fields: [...packet("11").fields, ...fields] as [number, 1 | 2 | 4, number][] });
  assert.is(run(NODE, sent("ddc2")).next, "ip4-icmp-error");
  expectDrop(NODE, sent("dd03"), "bad UDP checksum");
  assert.is(run(NODE, { ...sent("ddc2"), pieces: [28, 1, 3] }).next, "ip4-icmp-error");
  expectDrop(NODE, { ...sent("dd03"), pieces: [28, 1, 3] }, "bad UDP checksum");
  assert.is(run(NODE, sent("dd03", [B_FLAGS, 2, B_FLAG_L4_GOOD])).next, "ip4-icmp-error");
  for (const offload of [1, 2]) assert.is(run(NODE, sent("dd03", [B_CSUM_FLAGS, 1, offload])).next, "ip4-icmp-error");
});

test("UDP: its length", () => {
  const long = (length: string) => ({ ...packet("11"), hex: packet("11").hex.replace("000c0000", `${length}0000`) });
  for (const length of ["0000", "0007", "000d", "ffff"]) expectDrop(NODE, long(length), "bad UDP length");
  const { next, hex } = run(NODE, long("0009"));
  assert.equal([next, hex.length / 2], ["ip4-icmp-error", 29], "what is behind the datagram is cut off");
  expectDrop(NODE, { ...packet("11"), hex: packet("11").hex.slice(0, -10) }, "bad UDP length");
  expectDrop(NODE, { ...packet("11"), pieces: [27, 5] }, "bad UDP length");
});

test("TCP: a reset", () => {
  const { next, counted } = run(NODE, packet("06"));
  assert.equal([next, counted], ["ip4-tcp-reset", { "no TCP listener": 1 }]);
});

test("any other: protocol unreachable", () => {
  for (const protocol of ["00", "02", "2f", "84", "ff"]) {
    const { next, counted } = run(NODE, packet(protocol));
    assert.equal([next, counted, u16(0, B_ICMP)], ["ip4-icmp-error", { "unknown protocol": 1 }, 0x0302]);
  }
});

test("fragments wait for their packet", () => {
  for (const fragment of ["2000", "0001", "1fff", "6000", "2100"]) {
    const { next, counted } = run(NODE, packet("01", fragment));
    assert.equal([next, counted], ["ip4-reassembly", {}]);
  }
});

test("dropped", () => {
  for (const protocol of ["01", "11", "06", "2f"]) {
    expectDrop(NODE, packet(protocol, "4000", "ffffffff"), "broadcast to the router");
    expectDrop(NODE, packet(protocol, "4000", "c00002ff", 6), "broadcast to the router");
  }
});

test("show ip local tells what this node does", () => {
  const known = LOCAL_PROTOCOLS.map(({ protocol }) => protocol);
  for (let number = 0; number < 256; number++) {
    const told = LOCAL_PROTOCOLS.find(({ protocol }) => protocol === number) ?? LOCAL_PROTOCOLS.find(({ protocol }) => protocol === -1);
    const packet = { hex: `4500001c 00004000 40${number.toString(16).padStart(2, "0")} 0000 c0000202 c0000201 1000200000080000`, l2: 0 };
    assert.is(run("ip4-local", packet, [1]).next, told!.node, `protocol ${number} of ${known.join()}`);
  }
});

test.run();
