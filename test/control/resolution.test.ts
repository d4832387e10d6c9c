// Who asks for a neighbour, in whose name, and whose answers are believed.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { parseIp4, parsePrefix } from "../../host/control/addresses.js";
import type { Interface, Interfaces } from "../../host/control/interfaces.js";
import type { Neighbours } from "../../host/control/neighbours.js";
import { Resolution } from "../../host/control/resolution.js";
import type { Routes } from "../../host/control/routes.js";
import type { ToEngine } from "../../host/graph/messages.js";

const MAC = Uint8Array.of(2, 0, 0, 0, 0, 2);
const entry = (index: number, ...addresses: string[]): Interface => ({ index, addresses: addresses.map(parsePrefix) }) as unknown as Interface;

/** A resolution among these interfaces; what it does is written down. */
function make(entries: Interface[], { known = false, onLink = false, reached = false } = {}): { resolution: Resolution; log: unknown[] } {
  const log: unknown[] = [];
  const interfaces = { byIndex: (index: number) => entries.find((one) => one.index === index), list: () => entries };
  const neighbours = {
    get: () => (known ? "neighbour" : undefined), learned: () => log.push("learned"), wanted: () => log.push("wanted"),
  };
  const routes = { onLink: () => onLink, hosts: { judge: (one: unknown) => log.push(`judge ${one as string}`), reach: () => reached } };
  const post = (message: ToEngine, worker?: number): void => void log.push([message, worker]);
  return { resolution: new Resolution(interfaces as Interfaces, neighbours as unknown as Neighbours, routes as unknown as Routes, post), log };
}

test("asked in the name of the address of the same network, else the primary one, else another interface's, else not at all", () => {
  const source = (entries: Interface[], target: string): number[] => {
    const { resolution, log } = make(entries);
    resolution.ask(1, parseIp4(target), null);
    return (log as [{ source: number }][]).map(([message]) => message.source);
  };
  const two = entry(1, "192.0.2.1/24", "198.51.100.1/24");
  assert.equal(source([two], "198.51.100.9"), [parseIp4("198.51.100.1")]);
  assert.equal(source([two], "192.0.2.9"), [parseIp4("192.0.2.1")]);
  assert.equal(source([two], "10.0.0.9"), [parseIp4("192.0.2.1")]);
  assert.equal(source([entry(1), entry(2), entry(3, "203.0.113.1/24", "203.0.114.1/24")], "10.0.0.9"), [parseIp4("203.0.113.1")]);
  assert.equal(source([entry(1), entry(2)], "10.0.0.9"), []);
  assert.equal(source([entry(2, "192.0.2.1/24")], "192.0.2.9"), [], "an interface that is gone");
});

test("the sender asks: everybody, or the one that had the address", () => {
  const { resolution, log } = make([entry(1, "192.0.2.1/24")]);
  resolution.ask(1, 9, null);
  resolution.ask(1, 9, MAC);
  const question = { type: "arp-request", index: 1, target: 9, source: parseIp4("192.0.2.1") };
  assert.equal(log, [[question, 0], [{ ...question, mac: MAC }, 0]]);
});

test("learned on an interface's own network, and of whom there is a neighbour already; not when the interface is gone", () => {
  const learns = (entries: Interface[], state: { known?: boolean; onLink?: boolean }): unknown[] => {
    const { resolution, log } = make(entries, state);
    resolution.learned(1, 9, MAC);
    return log;
  };
  assert.equal(learns([entry(1)], { onLink: true }), ["learned"]);
  assert.equal(learns([entry(1)], { known: true }), ["learned"]);
  assert.equal(learns([entry(1)], {}), []);
  assert.equal(learns([entry(2)], { onLink: true, known: true }), []);
});

test("wanted: one that is known may have its route now; one to whom routes do not lead is not asked for", () => {
  const wants = (state: { known?: boolean; reached?: boolean }): unknown[] => {
    const { resolution, log } = make([entry(1)], state);
    resolution.wanted(1, 9);
    return log;
  };
  assert.equal(wants({ known: true }), ["judge neighbour", "wanted"]);
  assert.equal(wants({ reached: true }), ["wanted"]);
  assert.equal(wants({}), [[{ type: "resolved", index: 1, address: 9, reachable: true }, undefined]]);
});

test.run();
