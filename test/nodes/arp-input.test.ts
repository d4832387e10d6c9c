import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  ADJ_BROADCAST, ADJ_DROP, ARP_LEARN_COUNT, ARP_LEARN_ENTRIES, ARP_LEARN_ENTRY_SIZE, ARP_LEARN_READ, ARP_LEARN_WRITTEN, B_RX_IF, B_TX_IF,
  IF_FLAG_ADMIN_UP, IF_FLAG_LINK_UP, IF_FLAG_PROXY_ARP, LOOKUP_NEXT_DROP, LOOKUP_NEXT_GLEAN, LOOKUP_NEXT_LOCAL, LOOKUP_NEXT_PATHS, LOOKUP_NEXT_REWRITE,
  VECTOR,
} from "../../assembly/abi.js";
import {
  counters, expectDrop, memory, putPacket, raw, reset, run, runFrame, setAdjacency, setInterface, setRoute, state, toHex, u16, view,
} from "./harness.js";

const NODE = "arp-input";
const OWN = "02fe00000001";
const PEER = "020000000002";
const HEAD = "0001 0800 06 04";
const IP_OWN = "c0000201"; // 192.0.2.1
const IP_PEER = "c0000202";
const REQUEST = `${OWN}${PEER}0806 ${HEAD}0001 ${PEER}${IP_PEER} 000000000000${IP_OWN}`;
const REPLY = `${OWN}${PEER}0806 ${HEAD}0002 ${PEER}${IP_PEER} ${OWN}${IP_OWN}`;
const ANSWER = `${PEER}${OWN}0806 ${HEAD}0002 ${OWN}${IP_OWN} ${PEER}${IP_PEER}`.replace(/ /g, "");

/** A frame with its ARP part replaced: hardware type … addresses. */
function arp(text: string): string { return `${OWN}${PEER}0806 ${text}`; }

/** The peer is a known neighbour. */
function know(mac: string): void {
  setAdjacency(12, { next: LOOKUP_NEXT_REWRITE, tx: 1, rewrite: `${mac}${OWN}0800`, nextHop: raw("192.0.2.2") });
  setRoute("192.0.2.2/32", 12);
}

/** What the ring holds since the node's state was cleared. */
function learned(): string[] {
  return Array.from({ length: view.getUint32(state + ARP_LEARN_WRITTEN, true) }, (_, k) => {
    const at = state + ARP_LEARN_ENTRIES + (k % ARP_LEARN_COUNT) * ARP_LEARN_ENTRY_SIZE;
    return toHex(new Uint8Array(memory.buffer).slice(at, at + 12));
  });
}
const PEER_LEARNED = `${IP_PEER}${PEER}0100`;

test.before.each(() => {
  reset();
  setInterface(1, { mac: OWN, ip4: "192.0.2.1" });
  setAdjacency(10, { next: LOOKUP_NEXT_LOCAL, tx: 1 });
  setAdjacency(11, { next: LOOKUP_NEXT_GLEAN, tx: 1 });
  setAdjacency(13, { next: LOOKUP_NEXT_LOCAL, tx: 1, nextHop: ADJ_BROADCAST });
  setAdjacency(14, { next: LOOKUP_NEXT_REWRITE, tx: 1, rewrite: `020000000099${OWN}0800`, nextHop: raw("192.0.2.9") });
  setAdjacency(15, { next: LOOKUP_NEXT_GLEAN, tx: 1, nextHop: raw("192.0.2.8") });
  setRoute("192.0.2.0/24", 11);
  setRoute("192.0.2.1/32", 10);
  setRoute("192.0.2.255/32", 13);
  setRoute("198.51.0.0/16", 14); // through a known gateway
  setRoute("198.52.0.0/16", 15); // through one still to be asked for
  setAdjacency(16, { next: LOOKUP_NEXT_PATHS, tx: 1 });
  setRoute("198.53.0.0/16", 16); // through several
});

const fields: [number, 1 | 2 | 4, number][] = [[B_RX_IF, 2, 1]];
const one = (hex: string) => run(NODE, { hex, fields }, [1]);
function dropped(hex: string, reason: string): void {
  assert.equal(one(hex), { next: "error-drop", hex: hex.replace(/ /g, "").slice(28), counted: { [reason]: 1 } });
}

test("a request for an own address is answered in place, padding cut off, and its sender learned", () => {
  const { next, hex, counted } = one(REQUEST + "00".repeat(18));
  assert.is(next, "interface-output");
  assert.is(hex, ANSWER);
  assert.equal(counted, {});
  assert.is(u16(0, B_TX_IF), 1);
  assert.equal(learned(), [PEER_LEARNED]);
});

test("a whole vector of requests from a known neighbour: nothing to learn", () => {
  know(PEER);
  const { next, hex } = run(NODE, { hex: REQUEST, fields });
  assert.equal([next, hex], ["interface-output", ANSWER]);
  assert.equal(learned(), []);
});

test("a request from a known neighbour with a new MAC updates it", () => {
  know("020000000099");
  assert.is(one(REQUEST).hex, ANSWER);
  assert.equal(learned(), [PEER_LEARNED]);
});

test("a probe (RFC 5227) is answered with target address zero and teaches nothing", () => {
  const { next, hex } = one(arp(`${HEAD}0001 ${PEER}00000000 000000000000${IP_OWN}`));
  assert.is(next, "interface-output");
  assert.is(hex, `${PEER}${OWN}0806${HEAD}0002${OWN}${IP_OWN}${PEER}00000000`.replace(/ /g, ""));
  assert.equal(learned(), []);
});

test("a reply to us is taken, and confirms a known neighbour too", () => {
  dropped(REPLY, "reply taken");
  assert.equal(learned(), [PEER_LEARNED]);
  know(PEER);
  dropped(REPLY, "reply taken");
  assert.equal(learned(), [PEER_LEARNED]);
});

test("a gratuitous ARP updates a known neighbour only", () => {
  const gratuitous = arp(`${HEAD}0002 ${PEER}${IP_PEER} ${PEER}${IP_PEER}`);
  dropped(gratuitous, "not for an own address");
  assert.equal(learned(), []);
  know("020000000099");
  dropped(gratuitous, "not for an own address");
  assert.equal(learned(), [PEER_LEARNED]);
});

test("a sender beyond a gateway or on another interface is answered, not learned", () => {
  for (const sender of ["c6336407", "c6346407", "c6356407", "0b000001"]) {
    assert.is(one(arp(`${HEAD}0001 ${PEER}${sender} 000000000000${IP_OWN}`)).next, "interface-output");
    assert.equal(learned(), []);
  }
  setAdjacency(11, { next: LOOKUP_NEXT_GLEAN, tx: 2 });
  assert.is(one(REQUEST).next, "interface-output");
  assert.equal(learned(), []);
});

test("an own address of another interface is not answered for", () => {
  setAdjacency(10, { next: LOOKUP_NEXT_LOCAL, tx: 2 });
  dropped(REQUEST, "not for an own address");
});

test("a reply to an own address of another interface, in whose name was asked, is taken of who is on this link", () => {
  setAdjacency(10, { next: LOOKUP_NEXT_LOCAL, tx: 2 });
  dropped(REPLY, "reply taken");
  assert.equal(learned(), [PEER_LEARNED]);
  dropped(REPLY.replace(`${OWN}${IP_OWN}`, `${OWN}c00002ff`), "not for an own address");
  setAdjacency(11, { next: LOOKUP_NEXT_GLEAN, tx: 2 });
  dropped(REPLY, "reply taken");
  assert.equal(learned(), [], "he is on the other link");
});

test("a broadcast address is nobody's own", () => {
  dropped(arp(`${HEAD}0001 ${PEER}${IP_PEER} 000000000000c00002ff`), "not for an own address");
  assert.is(one(arp(`${HEAD}0001 ${PEER}c00002ff 000000000000${IP_OWN}`)).next, "interface-output");
  assert.equal(learned(), []);
});

test("an address conflict is counted and never learned", () => {
  dropped(arp(`${HEAD}0001 ${PEER}${IP_OWN} 000000000000${IP_OWN}`), "address conflict");
  dropped(arp(`${HEAD}0002 ${PEER}${IP_OWN} ${OWN}${IP_OWN}`), "address conflict");
  assert.equal(learned(), []);
  dropped(`ffffffffffff${OWN}0806 ${HEAD}0001 ${OWN}${IP_OWN} 000000000000${IP_PEER}`, "own frame came back");
});

test("nobody else has our MAC address: who claims it is neither answered nor learned, known or not", () => {
  const claims = [REQUEST, REPLY, arp(`${HEAD}0002 ${PEER}${IP_PEER} ${PEER}${IP_PEER}`)].map((hex) => hex.replaceAll(PEER, OWN));
  for (const claim of claims) dropped(claim, "own frame came back");
  know(PEER);
  for (const claim of claims) dropped(claim, "own frame came back");
  assert.equal(learned(), []);
});

test("malformed", () => {
  const refused = (hex: string, reason: string) => expectDrop(NODE, { hex, fields }, reason);
  refused(REQUEST.slice(0, -2), "packet too short");
  refused(arp(""), "packet too short");
  refused(REQUEST.replace("0001 0800", "0006 0800"), "hardware type not Ethernet");
  refused(REQUEST.replace("0001 0800", "0001 86dd"), "protocol type not IPv4");
  refused(REQUEST.replace("06 04", "08 04"), "address lengths not 6 and 4");
  refused(REQUEST.replace("06 04", "06 10"), "address lengths not 6 and 4");
  refused(REQUEST.replace("06 040001", "06 040000"), "neither request nor reply");
  refused(REQUEST.replace("06 040001", "06 040003"), "neither request nor reply");
  refused(REQUEST.replace("06 040001", "06 040101"), "neither request nor reply");
  refused(REQUEST.replaceAll(PEER, "030000000002"), "sender MAC zero or a group address");
  refused(REQUEST.replaceAll(PEER, "000000000000"), "sender MAC zero or a group address");
  for (const martian of ["7f000001", "e0000001", "ffffffff", "00010203", "f0000001"]) {
    refused(REQUEST.replace(IP_PEER, martian), "sender address that no host can have");
    refused(REPLY.replace(IP_PEER, martian), "sender address that no host can have");
  }
});

test("who sends for another station is believed: bridges, VRRP and proxies do", () => {
  const { next, hex } = one(arp(`${HEAD}0001 020000000003${IP_PEER} 000000000000${IP_OWN}`));
  assert.equal([next, hex], ["interface-output", ANSWER.replaceAll(PEER, "020000000003")]);
  assert.equal(learned(), [`${IP_PEER}0200000000030100`]);
});

const NORMAL = IF_FLAG_ADMIN_UP | IF_FLAG_LINK_UP;
const BEHIND = "cb007107"; // 203.0.113.7
const ask = (target: string, sender = IP_PEER): string => arp(`${HEAD}0001 ${PEER}${sender} 000000000000${target}`);

test("a proxy answers for what other interfaces lead to, with its own MAC address (RFC 1027)", () => {
  setAdjacency(20, { next: LOOKUP_NEXT_REWRITE, tx: 2, nextHop: raw("203.0.113.9") });
  setAdjacency(21, { next: LOOKUP_NEXT_GLEAN, tx: 2 });
  setAdjacency(22, { next: LOOKUP_NEXT_PATHS, tx: 2 });
  setAdjacency(23, { next: LOOKUP_NEXT_LOCAL, tx: 2 });
  for (const adjacency of [20, 21, 22, 23]) {
    setRoute("203.0.0.0/16", adjacency);
    setInterface(1, { mac: OWN, ip4: "192.0.2.1" });
    dropped(ask(BEHIND), "not for an own address");
    setInterface(1, { mac: OWN, ip4: "192.0.2.1", flags: NORMAL | IF_FLAG_PROXY_ARP });
    const { next, hex, counted } = one(ask(BEHIND));
    assert.equal([next, hex], ["interface-output", ANSWER.replace(IP_OWN, BEHIND)]);
    assert.equal(counted, { "answered for a host behind another interface": 1 });
    assert.equal(learned(), [PEER_LEARNED]);
  }
});

test("a proxy is silent about the link itself, probes, strangers, replies, and what it would not send on", () => {
  setInterface(1, { mac: OWN, ip4: "192.0.2.1", flags: NORMAL | IF_FLAG_PROXY_ARP });
  setAdjacency(20, { next: LOOKUP_NEXT_REWRITE, tx: 2, nextHop: raw("203.0.113.9") });
  setAdjacency(ADJ_DROP, { next: LOOKUP_NEXT_DROP });
  setRoute("203.0.0.0/16", 20);
  setRoute("10.0.0.0/16", ADJ_DROP);
  setRoute("224.0.0.0/16", 20);
  const silent = (hex: string) => dropped(hex, "not for an own address");
  for (const target of ["c0000209", "c6336401", "0a000001", "0b000001", "e0000001"]) silent(ask(target));
  silent(ask(BEHIND, "00000000"));
  setRoute("0.0.0.0/16", 11); // as a default route to the link would have it
  silent(ask(BEHIND, "00000000"));
  silent(ask(BEHIND, "cb007109")); // who is behind the other interface itself
  silent(ask(BEHIND, BEHIND));
  silent(arp(`${HEAD}0002 ${PEER}${IP_PEER} ${OWN}${BEHIND}`));
});

test("the ring holds a vector of unread senders, wraps when they are read, and counts what finds no place", () => {
  const flood = (from: number) => {
    for (let i = 0; i < VECTOR; i++) {
      const ip = `c00002${(from + i % 128 + 2).toString(16).padStart(2, "0")}`;
      putPacket(i, { hex: REQUEST.replace(IP_PEER, ip), fields });
    }
    assert.ok(runFrame(NODE, VECTOR).every((next) => next === "interface-output"));
  };
  flood(0);
  assert.equal(counters(NODE), {});
  assert.is(view.getUint32(state + ARP_LEARN_WRITTEN, true), VECTOR);
  assert.equal(learned()[255], `c0000281${PEER}0100`);

  view.setUint32(state + ARP_LEARN_READ, 60, true);
  flood(1);
  assert.equal(counters(NODE), { "learn ring full": VECTOR - 60 });
  assert.is(view.getUint32(state + ARP_LEARN_WRITTEN, true), VECTOR + 60);
  assert.equal(learned()[VECTOR], `c0000203${PEER}0100`);
  assert.equal(learned()[255], `c0000281${PEER}0100`, "an unread entry is not overwritten");

  // the counts wrap at 2^32
  view.setUint32(state + ARP_LEARN_WRITTEN, 0xffffffff, true);
  view.setUint32(state + ARP_LEARN_READ, 0xffffffff, true);
  putPacket(0, { hex: REQUEST, fields });
  runFrame(NODE, 1);
  assert.is(view.getUint32(state + ARP_LEARN_WRITTEN, true), 0);
});

test.run();
