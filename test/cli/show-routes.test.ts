// What the commands about routes show, of a router with a bit of everything.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { grammar } from "../../host/cli/commands.js";
import { InlineRouter } from "../graph/inline.js";

const { router } = await InlineRouter.startPair();
router.setNeighbor("host-left", "192.0.2.2", "02:00:00:00:00:02");
router.addRoute("10.0.0.0/8", { paths: [{ via: "192.0.2.2", weight: 3 }, { via: "198.51.100.7" }] });
router.addRoute("10.1.0.0/16", { kind: "prohibit" });
router.addRoute("10.2.0.0/16", { via: "192.0.2.2" });

async function shown(line: string): Promise<string> {
  const lines: string[] = [];
  const { command, values, json } = grammar.parse(line);
  await command.run({ control: router, out: (text) => void lines.push(text), signal: new AbortController().signal }, values, json);
  return lines.join("\n");
}

async function shows(line: string, ...text: string[]): Promise<void> {
  assert.is(await shown(line), text.join("\n"));
}

test("several paths stand below their route", () =>
  shows("show ip fib",
    "Prefix              Kind       Via           Interface   Adjacency  Weight",
    "10.0.0.0/8          gateway    2 paths       -                  11",
    "                               192.0.2.2     host-left           9       3",
    "                               198.51.100.7  host-right         10       1",
    "10.1.0.0/16         prohibit   -             -                   3",
    "10.2.0.0/16         gateway    192.0.2.2     host-left           9       1",
    "192.0.2.0/24        connected  -             host-left           6",
    "192.0.2.0/32        broadcast  -             host-left           4",
    "192.0.2.1/32        local      -             host-left           5",
    "192.0.2.2/32        neighbor   -             host-left           9",
    "192.0.2.255/32      broadcast  -             host-left           4",
    "198.51.100.0/24     connected  -             host-right          8",
    "198.51.100.0/32     broadcast  -             host-right          4",
    "198.51.100.1/32     local      -             host-right          7",
    "198.51.100.7/32     neighbor   -             host-right         10",
    "198.51.100.255/32   broadcast  -             host-right          4",
    "255.255.255.255/32  broadcast  -             -                   4"));

const ADJACENCY = "Adjacency  Kind";
const PATHS = [
  "10.0.0.0/8",
  "  via 192.0.2.2 host-left weight 3: 192 of 256 flows",
  "  via 198.51.100.7 host-right weight 1: 64 of 256 flows",
  "Adjacency  Kind     Interface   Next-hop       MTU  Answer  Rewrite",
  "       11  paths    -           one of 9, 10  1500  -       -",
  "        9  rewrite  host-left   192.0.2.2     1500  -       020000000002 02fe00000001 0800",
  "       10  glean    host-right  198.51.100.7  1500  -       -",
];

test("one route in detail, by its prefix or by an address that takes it", async () => {
  await shows("show ip fib 10.0.0.0/8", ...PATHS);
  await shows("show ip fib 10.9.9.9", ...PATHS);
  await shows("show ip fib 10.1.2.3",
    "10.1.0.0/16",
    "  prohibit",
    "Adjacency  Kind         Interface  Next-hop  MTU  Answer     Rewrite",
    "        3  unreachable  -          -         -    ICMP 3/13  -");
  await shows("show ip fib 192.0.2.0/24",
    "192.0.2.0/24",
    "  connected host-left",
    "Adjacency  Kind   Interface  Next-hop   MTU  Answer  Rewrite",
    "        6  glean  host-left  -         1500  -       -");
  assert.match(await shown("show ip fib 11.0.0.1"), /^11\.0\.0\.1: no route\n.*\n +0 +unreachable .* ICMP 3\/0 /);
  for (const line of ["show ip fib 10.0.0.0/9", "show adj 4000"]) {
    await shown(line).then(() => assert.unreachable(), (error) => assert.is(error.code, "NOT_FOUND"));
  }
  const { route, adjacency, paths, asked } = JSON.parse(await shown("show ip fib 10.9.9.9 --json"));
  assert.equal([asked, route.prefix, adjacency.kind, adjacency.paths, paths.map((one: { rewrite: string }) => one.rewrite)],
    ["10.9.9.9", "10.0.0.0/8", "paths", [9, 10], ["02000000000202fe000000010800", null]]);
});

test("show adj: all that are in use, or one", async () => {
  const lines = (await shown("show adj")).split("\n");
  assert.match(lines[0]!, ADJACENCY);
  assert.equal(lines.slice(1).map((line) => line.trim().split(/ +/).slice(0, 2).join(" ")), [
    "0 unreachable", "1 drop", "2 unreachable", "3 unreachable", "4 broadcast", "5 local", "6 glean", "7 local", "8 glean", "9 rewrite", "10 glean", "11 paths",
  ]);
  assert.is((await shown("show adj 9")).split("\n")[1], "        9  rewrite  host-left  192.0.2.2  1500  -       020000000002 02fe00000001 0800");
});

test("show ip fib summary", () =>
  shows("show ip fib summary",
    "Prefix length  Routes", "/8                  1", "/16                 2", "/24                 2", "/32                 9", "all                14", "",
    "Kind       Routes", "broadcast       5", "connected       2", "gateway         2", "local           2", "neighbor        2", "prohibit        1", "",
    "What                           Used     Size", "bytes of FIB and prefixes  35066176", "bytes of FIB plies              320  8388608",
    "sets of paths                     1     1024"));

test("show ip local", () =>
  shows("show ip local",
    "Protocol  Name       Node", "1         ICMP       icmp4-input", "6         TCP        ip4-tcp-reset", "17        UDP        ip4-icmp-error",
    "*         any other  ip4-icmp-error"));

test("what an interface does beside forwarding stands by its addresses", async () => {
  router.setInterfaceProxyArp("host-left", true);
  router.setInterfaceRedirects("host-right", false);
  await shows("show interface address",
    "local0 (dn):", "host-left (up):", "  L3 192.0.2.1/24", "  proxy ARP", "host-right (up):", "  L3 198.51.100.1/24", "  no redirects");
});

test.after(() => router.stop());
test.run();
