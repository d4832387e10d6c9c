// Many routes at once are what the same ones are one by one; when one of them is refused nothing has changed.

import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { formatIp4, formatPrefix, parseIp4, parsePrefix, swap } from "../../host/control/addresses.js";
import type { RouteBatch, RouteTarget } from "../../host/control/api.js";
import { WeftError } from "../../host/errors.js";
import { clear, EMPTY, router, state, UNUSED, used } from "./empty-router.js";

const TARGETS: RouteTarget[] = [
  { via: "10.9.0.2" }, { via: "10.9.0.3", weight: 3 }, { paths: [{ via: "10.9.0.2" }, { via: "10.8.0.2" }] }, { kind: "drop" },
  { interface: "host-left" },
];
const base = fc.constantFrom("10.0.0.0", "10.0.1.0", "10.9.0.0", "172.16.0.0");
const prefix = fc.tuple(base, fc.constantFrom(8, 15, 16, 20, 24, 24, 26, 31, 32), fc.nat(3))
  .map(([from, length, k]) => {
    const size = 2 ** (32 - length);
    return { network: Math.floor(swap(parseIp4(from)) / size) * size + (length > 16 ? k * size : 0), length };
  });
const route = fc.record({ prefix, choice: fc.nat(TARGETS.length - 1) });
const routes = fc.array(route, { maxLength: 60 });
type Chosen = { prefix: { network: number; length: number }; choice: number }[];

const batch = (chosen: Chosen): Required<RouteBatch> => ({
  networks: Uint32Array.from(chosen, (one) => one.prefix.network), lengths: Uint8Array.from(chosen, (one) => one.prefix.length),
  targets: TARGETS, choices: Uint16Array.from(chosen, (one) => one.choice),
});
const text = ({ network, length }: Chosen[number]["prefix"]): string => formatPrefix(swap(network), length);

/** What there is, but for numbers of adjacencies, which depend on the order of things. */
const seen = (): unknown => JSON.parse(JSON.stringify(state(), (key, value: unknown) => (key === "adjacency" ? undefined : value)));

/** What an action throws; undefined: nothing. */
function refusal(action: () => void): string | undefined {
  try {
    action();
  } catch (error) {
    assert.instance(error, WeftError);
    return (error as WeftError).code;
  }
  return undefined;
}

function begin(): void {
  clear();
  router.addAddress("host-left", "10.9.0.1/24");
  router.addAddress("host-right", "10.8.0.1/24");
  router.setNeighbor("host-left", "10.9.0.3", "02:00:00:00:00:09");
}

/** The tables say for each address what the routes do. */
function checkLookups(): void {
  const all = router.routes().map((one) => ({ ...one, ...parsePrefix(one.prefix) })).sort((a, b) => b.length - a.length);
  for (const { network, length } of all) {
    for (const address of [swap(network), (swap(network) + 2 ** (32 - length) - 1) >>> 0]) {
      const best = all.find((one) => one.length === 0 || address >>> (32 - one.length) === swap(one.network) >>> (32 - one.length));
      assert.is(router["routeTable"]["fib"].lookup(swap(address)), best!.adjacency, formatIp4(swap(address)));
    }
  }
}

// One by one the gateway is forgotten and then known again, after the host; in a batch it stays. Nothing of that shows.
const wide = { network: 0x0a000000, length: 15 };
const host = { network: 0x0a000000, length: 32 };
const forgotten = [{ prefix: wide, choice: 3 }, { prefix: { network: 0x0a000000, length: 8 }, choice: 0 }];

test("random batches: added, replaced and deleted as one by one, or refused as a whole", () => {
  let refused = 0;
  fc.assert(fc.property(routes, routes, fc.boolean(), routes, (first, then, replace, gone) => {
    const one = ({ prefix: to, choice }: Chosen[number]): void =>
      replace ? router.replaceRoute(text(to), TARGETS[choice]!) : router.addRoute(text(to), TARGETS[choice]!);
    const start = (): void => {
      begin();
      for (const each of first) refusal(() => router.addRoute(text(each.prefix), TARGETS[each.choice]!));
    };
    const many = (): void => (replace ? router.replaceRoutes(batch(then)) : router.addRoutes(batch(then)));

    start();
    const bad = then.find(({ prefix: { length }, choice }) => length === 32 && choice === 4); // one by one it is its own gateway
    const expected = bad ? "BAD_ARGUMENT" : then.map((each) => refusal(() => one(each))).find((code) => code !== undefined);
    const after = seen();
    start();
    const before = state();
    const code = refusal(many);
    if (expected === undefined) assert.equal([code, seen()], [undefined, after]);
    else assert.ok(code !== undefined);
    if (code !== undefined) refused++, assert.equal(state(), before);
    checkLookups();

    const left = state();
    const { networks, lengths } = batch(gone);
    const wrong = refusal(() => router.deleteRoutes(networks, lengths));
    const there = new Set(router.routes().flatMap(({ prefix: to, kind }) => (kind === "neighbor" ? [] : [to])));
    if (wrong === undefined) assert.equal(gone.filter(({ prefix: to }) => there.has(text(to))), []);
    else assert.equal(state(), left);
    const own = router.routes().filter(({ kind }) => ["gateway", "drop"].includes(kind)).map((route) => parsePrefix(route.prefix));
    router.deleteRoutes(Uint32Array.from(own, ({ network }) => swap(network)), Uint8Array.from(own, ({ length }) => length));
    checkLookups();
    clear();
    assert.equal([state(), used()], [EMPTY, UNUSED]);
  }), { numRuns: 150, examples: [[[{ prefix: wide, choice: 0 }, { prefix: host, choice: 4 }], forgotten, false, []]] });
  assert.ok(refused >= 5, `${refused} refusals`);
});

test("100,000 routes: the summary counts them, a lookup finds each, and no room is lost", () => {
  begin();
  const bytes = router.fibSummary().bytes;
  const networks = Uint32Array.from({ length: 100_000 }, (_, i) => 0x14000000 + i * 256);
  const lengths = new Uint8Array(networks.length).fill(24);
  router.addRoutes({ networks, lengths, targets: [{ via: "10.9.0.2" }, { via: "10.9.0.3" }], choices: Uint16Array.from(networks, (_, i) => i % 2) });
  const [one, other] = ["20.0.0.0/24", "20.0.1.0/24"].map((to) => router.route(to).adjacency.index);
  assert.is.not(one, other);
  for (const [i, network] of networks.entries()) {
    const found = router["routeTable"]["fib"].lookup(swap(network + (i & 255)));
    if (found !== (i % 2 ? other : one)) assert.unreachable(formatIp4(swap(network)));
  }
  const { routes: count, lengths: all } = router.fibSummary();
  assert.is(all.find(({ length }) => length === 24)!.routes, 100_002);
  assert.is(count, all.reduce((sum, { routes: some }) => sum + some, 0));
  assert.ok(router.fibSummary().bytes - bytes < 100_000 * 4.1);
  router.deleteRoutes(networks, lengths);
  assert.ok(router.fibSummary().bytes - bytes < 8192);
  clear();
});

test("what cannot be meant is refused, and nothing has changed", () => {
  begin();
  const before = state();
  const lengths = Uint8Array.of(24, 24);
  const networks = Uint32Array.of(0x0a000000, 0x0a000100);
  const targets = [{ via: "10.9.0.2" }];
  const refuse = (what: RouteBatch, message: RegExp): void => {
    assert.throws(() => router.addRoutes(what), (error: WeftError) => error instanceof WeftError && message.test(error.message));
    assert.equal(state(), before);
  };
  refuse({ networks, lengths: Uint8Array.of(24), targets }, /^2 networks, but 1 lengths: each needs one$/);
  refuse({ networks, lengths, targets, choices: Uint16Array.of(0) }, /but 2 lengths and 1 choices/);
  refuse({ networks, lengths, targets, choices: Uint16Array.of(0, 1) }, /^there is no target 1: there are 1, the first is 0$/);
  refuse({ networks, lengths, targets: [] }, /name a target/);
  refuse({ networks, lengths: Uint8Array.of(24, 16), targets }, /^10.0.1.0\/16 has host bits set: the network is 10.0.0.0\/16$/);
  refuse({ networks, lengths: Uint8Array.of(24, 33), targets }, /10.0.1.0\/33/);
  const own = { networks: Uint32Array.of(0x0a000000, 0x0a090001), lengths: Uint8Array.of(24, 32), targets };
  refuse(own, /^10.9.0.1\/32 is there already: it is local on host-left$/);
  refuse({ networks, lengths, targets: [{ via: "10.9.0.2" }, { via: "192.0.2.9" }] }, /no interface is on the network of gateway 192.0.2.9/);
  assert.throws(() => router.deleteRoutes(networks, lengths), /no route 10.0.0.0\/24/);
  router.addRoutes({ networks, lengths, targets });
  assert.throws(() => router.deleteRoutes(Uint32Array.of(0x0a000000, 0x0a000000), lengths), /no route 10.0.0.0\/24/);
  assert.is(router.routes().filter(({ kind }) => kind === "gateway").length, 2);
  clear();
});

test.after(() => router.stop());
test.run();
