import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { COMMANDS, grammar } from "../../host/cli/commands.js";
import { WeftError } from "../../host/errors.js";
import { stub } from "./stub.js";

/** The pattern that a line was recognised as. */
function pattern(line: string): string {
  return grammar.parse(line).command.pattern;
}

function message(line: string): string {
  try {
    grammar.parse(line);
  } catch (error) {
    assert.instance(error, WeftError);
    assert.is((error as WeftError).code, "BAD_COMMAND");
    return (error as WeftError).message;
  }
  throw new Error(`"${line}" parsed`);
}

const EXAMPLES: Record<string, string> = {
  interface: "host-eth0", netdev: "eth0", address: "192.0.2.2", gateway: "192.0.2.3", "gateway-2": "192.0.2.4", "interface-2": "host-eth1", weight: "3", "weight-2": "4", count: "5",
  adjacency: "14", prefix: "198.51.100.0/24", mac: "02:fe:00:00:00:01",
  mtu: "1500", repeat: "3", interval: "0.5", size: "100", name: "rdma-1", device: "mlx5_0", "rx-queue-size": "1024", "tx-queue-size": "256",
  "num-rx-queues": "4", "rx-queue": "1", worker: "1", mode: "dv", "max-pktlen": "9000", rss4: "ipv4-udp", rss6: "ipv6",
  node: "acl", "new-node": "flow-meter", anchor: "host-eth0-tx", file: "build/all.wasm:acl", json: '{"rules": [{"from": "} {"}, {}]}',
  table: "flows", fail: "open", next: "continue", ms: "100", traps: "10", "icmp-interval": "500", "icmp-rate": "2000", "icmp-burst": "100",
  packets: "10", match: "192.0.2.2", destination: "192.0.2.0/24", proto: "udp", port: "53", max: "100", intfc: "any", capture: "/tmp/rx.pcapng",
  timeout: "3000", "max-reassemblies": "64", pcap: "a.pcap", endpoint: "[::1]:9469",
  peer: "pg1", stream: "s0", limit: "1e6", rate: "1e5", sizes: "64-1500", seed: "7", data: '"UDP: 192.0.2.2 -> 198.51.100.2 UDP: 1 -> 2"',
  loss: "1%", truncate: "0.5%", corrupt: "2%", duplicate: "3%", reorder: "100%", delay: "5ms", jitter: "50us",
};

/** A pattern with its arguments filled in, and its optional parts left out or taken. */
function instance(command: string, optional: boolean): string {
  return command.replace(/\[([^\]]*)\]/g, optional ? "$1" : "").replace(/<([\w-]+)>/g, (_, name: string) => EXAMPLES[name]!);
}

test("every command parses in full, with and without its optional parts", () => {
  for (const { pattern: expected } of COMMANDS) {
    assert.is(pattern(instance(expected, true)), expected);
    assert.is(pattern(instance(expected, false)), expected);
  }
});

test("any unambiguous prefix will do", () => {
  assert.is(pattern("sh int"), "show interface [<interface>]");
  assert.is(pattern("sh int host-eth0"), "show interface [<interface>]");
  assert.is(pattern("sh int a"), "show interface address");
  assert.is(pattern("sho run"), "show runtime");
  assert.is(pattern("set int st host-eth0 u"), "set interface state <interface> up");
  assert.is(pattern("set int mt p 9000 host-eth0"), "set interface mtu [packet] <mtu> <interface>");
  assert.is(pattern("i r a 0.0.0.0/0 v d"), "ip route add <prefix> [count <count>] via drop");
  assert.is(pattern("pi 192.0.2.2 s 100 r 1"), "ping <address> [repeat <repeat>] [interval <interval>] [size <size>]");
  assert.is(pattern("  show \t version  "), "show version");
  assert.is(pattern("no l a.wasm a acl"), "node load <file> as <new-node> [config <json>]");
  assert.is(pattern("n i acl b ip4-input o host-eth0"), "node insert <node> before <anchor> [on <interface>]");
  assert.is(pattern("n rep acl w a.mjs c {}"), "node replace <node> with <file> [config <json>]");
  assert.is(pattern("n p acl l 1 r 0 f open v continue"), "node policy <node> [fail <fail>] [via <next>] [restart <ms>] [limit <traps>]");
  assert.is(pattern("sh no co"), "show node counters [<node>]");
  assert.is(pattern("sh n acl"), "show node <anchor>");
  assert.is(pattern("sh n t acl flows"), "show node table <node> <table>");
  assert.is(pattern("sh m"), "show memory");
  assert.is(pattern("tr a ip4-input 5"), "trace add <anchor> <packets>");
  assert.is(pattern("sh tr m 5"), "show trace [max <packets>]");
  assert.is(pattern("pc t d r f rx.pcapng"), "pcap trace [rx] [tx] [drop] [max <max>] [intfc <intfc>] [file <capture>]");
});

test("arguments arrive by name", () => {
  const ping = grammar.parse("ping 192.0.2.2 size 100 interval .5 repeat 7");
  assert.equal(ping.values, { address: "192.0.2.2", size: "100", interval: ".5", repeat: "7" });
  assert.equal(grammar.parse("ip route add 10.0.0.0/8 via 192.0.2.2").values, { prefix: "10.0.0.0/8", gateway: "192.0.2.2" });
  assert.equal(grammar.parse("ip route add 10.0.0.0/8 via host-eth0").values, { prefix: "10.0.0.0/8", interface: "host-eth0" });
});

test("options in any order, flags among them", () => {
  const words = ["name rdma-7", "rx-queue-size 512", "no-striding", "rss ipv6-tcp", "mode ibv", "rss ipv4", "no-rx-cksum", "max-pktlen 9000"];
  const expected = {
    netdev: "eth0", name: "rdma-7", "rx-queue-size": "512", "no-striding": "no-striding", rss6: "ipv6-tcp", mode: "ibv", rss4: "ipv4",
    "no-rx-cksum": "no-rx-cksum", "max-pktlen": "9000",
  };
  for (const order of [words, [...words].reverse()]) {
    assert.equal(grammar.parse(`create interface rdma host-if eth0 ${order.join(" ")}`).values, expected);
  }
  assert.equal(grammar.parse("cr int rd dev mlx5_1 no-m no-c").values, {
    device: "mlx5_1", "no-multi-seg": "no-multi-seg", "no-cqe-compression": "no-cqe-compression",
  });
});

test("ambiguous prefixes say what they could be", () => {
  assert.is(message("s ver"), '"s" in "s" is ambiguous: it could be set or show');
  assert.is(message("no re acl"), '"re" in "no re" is ambiguous: it could be replace or restart');
  assert.is(message("set interface m 1500 host-eth0"), '"m" in "set interface m" is ambiguous: it could be mac or mtu');
});

test("a wrong word is named, with the nearest right one and what was expected", () => {
  assert.is(message("show interfcae"), 'unknown word "interfcae" in "show interfcae": did you mean "interface"? '
    + "expected one of: adj, balance, buffers, clock, errors, hardware-interfaces, interface, ip, logging, memory, node, packet-generator, prometheus, "
    + "runtime, threads, trace, version, vlib");
  assert.match(message("shwo version"), 'unknown word "shwo" in "shwo": did you mean "show"? expected one of: clear, create');
  assert.is(message("show ip route"), 'unknown word "route" in "show ip route": expected one of: fib, icmp, local, neighbors, reassembly');
  assert.match(message("show interface adress"), 'did you mean "address"? expected one of: address, fault, rx-placement, <interface>');
  assert.match(message("set interface ip address dell host-eth0 1.2.3.4/8"), 'did you mean "del"?');
  assert.is(message("show ip"), '"show ip" is incomplete: expected one of: fib, icmp, local, neighbors, reassembly');
  assert.is(message("create host-interface nmae eth0"), 'unknown word "nmae" in "create host-interface nmae": did you mean "name"? expected name');
  assert.is(message("set interface state host-eth0"), '"set interface state host-eth0" is incomplete: expected one of: down, up');
  assert.is(message("show version please"), 'unexpected "please" at the end of "show version please": the command is complete before it');
  assert.is(message(" "), 'no command: "help" lists them');
});

test("a wrong argument is named, with an example", () => {
  assert.is(message("set interface mtu 67 host-eth0"),
    'bad mtu "67" in "set interface mtu 67": expected a number from 68 to 65535, such as 1500; or "packet"');
  assert.match(message("set interface ip address host-eth0 192.0.2.1/33"), 'bad prefix "192.0.2.1/33"');
  assert.match(message("set interface ip address host-eth0 192.0.2.1"), "such as 192.0.2.1/24");
  assert.match(message("set interface mac address host-eth0 02:fe"), 'bad mac "02:fe"');
  assert.match(message("ping 192.0.2.256"), 'bad address "192.0.2.256"');
  assert.match(message("ping 192.0.2.2 size 7"), "expected a number from 8 to 65507");
  assert.match(message("ping 192.0.2.2 interval 0"), 'bad interval "0"');
  assert.match(message("ping 192.0.2.2 repeat 65536"), "expected a number from 1 to 65535");
  assert.match(message("create host-interface name a-name-too-long-"), "bad netdev");
  assert.match(message("ip route add 0.0.0.0/0 via 1.2.3"), 'bad gateway or interface "1.2.3"');
});

test("a wrong argument of a node command", () => {
  assert.is(message("node bypass ACL"), 'bad node "ACL" in "node bypass ACL": expected a node\'s name in lower case, such as acl or flow-meter');
  for (const name of ["-acl", "acl-", "a--b", "1acl", "acl_1", "a".repeat(49)]) assert.match(message(`node bypass ${name}`), "bad node");
  for (const name of ["c", "counters", "tab"]) {
    assert.match(message(`node load a.wasm as ${name}`), 'such as acl or flow-meter, and no beginning of "counters" or "table"');
    assert.is(pattern(`node bypass ${name}`), "node bypass <node> [on <interface>]");
  }
  for (const file of ["acl", "acl.ts", ".wasm", "acl.wasm:", "acl.wasm:Acl"]) {
    assert.is(message(`node load ${file} as acl`),
      `bad file "${file}" in "node load ${file}": expected a .wasm or .mjs file, such as build/acl.wasm or build/all.wasm:acl`);
  }
  assert.match(message("node insert acl after 4"), 'bad anchor "4" in "node insert acl after 4": expected a node of the graph, such as ip4-input');
  assert.match(message("node insert acl behind ip4-input"), 'unknown word "behind" in "node insert acl behind": expected one of: after, before');
  assert.match(message("node policy acl fail closing"), 'bad fail "closing" in "node policy acl fail closing": expected "closed" or "open"');
  assert.match(message("node policy acl restart 1s"), "expected a number from 0 to 3600000, such as 100");
  assert.match(message("node policy acl fail open fail closed"), 'unknown word "fail"');
  assert.match(message("node config acl"), '"node config acl" is incomplete: expected <json>');
});

test("JSON that is wrong is told with its place", () => {
  assert.is(message('node config acl {"rules": [1 2]}'), 'bad json in "node config acl", character 14: expected "," or "]", not "2"');
  assert.is(message("node load a.wasm as acl config {limit: 5}"),
    'bad json in "node load a.wasm as acl config", character 2: expected a name in double quotes or "}", not "l"');
  assert.is(message('node config acl {"a": {"b": 1}'), 'bad json in "node config acl", character 15: expected "," or "}", but it ends here');
  assert.is(message('node config acl {"a": 1}}'), 'unexpected "}" at the end of "node config acl {\\"a\\": 1} }": the command is complete before it');
  for (const json of ["5", "[1]", "null", "@", "acl.json"]) {
    assert.is(message(`node config acl ${json}`),
      `bad json "${json}" in "node config acl ${json}": expected a JSON object, such as {"limit": 5}, or @FILE`);
  }
});

test("JSON is one word, whatever is in it", () => {
  const json = (line: string): unknown => grammar.parse(line).values.json;
  for (const text of [
    '{ "a" : [ 1, {"b": "x y"} ] }', '{"text": "} \\" { # --json ?"}', "{}", '{"a":\n\t{}\n}', `{"deep": ${"[".repeat(5000)}${"]".repeat(5000)}}`,
  ]) {
    assert.is(json(`node config acl ${text}`), text);
    assert.is(json(`node replace acl with a.wasm config ${text}`), text);
  }
  assert.is(json("node config acl @etc/acl.json"), "@etc/acl.json");
  assert.is(json('node config acl "@my rules.json"'), "@my rules.json");
  assert.is(grammar.parse('node load "my nodes/a.wasm" as acl').values.file, "my nodes/a.wasm");
});

test("bad options of an rdma interface, one line each", () => {
  const bad = (options: string): string => message(`create interface rdma host-if eth0 ${options}`);
  for (const size of ["0", "128", "255", "1000", "65536", "-1", "1e3"]) {
    assert.match(bad(`rx-queue-size ${size}`), `bad rx-queue-size "${size}"`);
    assert.match(bad(`tx-queue-size ${size}`), "expected a power of two from 256 to 32768, such as 1024");
  }
  assert.match(bad("num-rx-queues 0"), "expected a number from 1 to 64");
  assert.match(bad("mode dvv"), 'expected "auto" or "ibv" or "dv"');
  assert.match(bad("rss ipv5"), 'bad rss4 or rss6 "ipv5"');
  assert.match(bad("rss ipv4 rss ipv4-udp"), 'expected "ipv6" or "ipv6-udp" or "ipv6-tcp"');
  assert.match(bad("name rdma"), "a name with a dash or a digit in it, such as rdma-0");
  assert.match(bad("no-strding"), 'did you mean "no-striding"?');
  assert.match(bad("no-striding no-striding"), 'unknown word "no-striding"');
  assert.match(bad("no"), "is ambiguous: it could be no-cqe-compression or no-multi-seg or no-rx-cksum or no-striding");
  assert.match(bad("max-pktlen 70000"), "expected a number from 64 to 65535");
  assert.match(message("create interface rdma name rdma-0"), 'unknown word "name"');
  assert.match(message("set interface rx-mode rdma-0"), "expected one of: adaptive, interrupt, polling");
  assert.match(message("set interface promiscuous rdma-0 on"), "expected one of: off, on");
});

test("an optional part comes once, and needs its argument", () => {
  assert.match(message("ping 192.0.2.2 repeat 1 repeat 2"), 'unknown word "repeat"');
  assert.is(message("ping 192.0.2.2 repeat"), '"ping 192.0.2.2 repeat" is incomplete: expected <repeat>');
});

test("--json goes anywhere in a show command and nowhere else", () => {
  for (const line of ["show errors --json", "--json show errors", "sh --json err"]) assert.ok(grammar.parse(line).json);
  assert.not(grammar.parse("show errors").json);
  assert.match(message("clear errors --json"), "--json goes with show commands only");
});

test("help lists all commands, or those that begin with some words", async () => {
  const help = async (line: string): Promise<string[]> => {
    const lines: string[] = [];
    const { command, values } = grammar.parse(line);
    const out = (text: string): void => void lines.push(...text.split("\n"));
    await command.run({ control: stub().control, out, signal: new AbortController().signal }, values, false);
    return lines;
  };
  assert.is((await help("help")).length, COMMANDS.length);
  assert.is((await help("?")).length, COMMANDS.length);
  for (const line of await help("help")) assert.not.match(line, / {42}/, "the longest pattern does not push everyone's help away");
  assert.equal((await help("help sh ip")).map((line) => line.split("  ")[0]), [
    "show ip neighbors", "show ip fib", "show ip fib summary", "show ip fib <prefix>", "show ip fib <address>", "show ip local", "show ip icmp",
    "show ip reassembly",
  ]);
  assert.equal((await help("ip ro d ?")).map((line) => line.split("  ")[0]), ["ip route del <prefix> [count <count>]", "ip route del <prefix> via <gateway> [<interface>]"]);
  assert.equal((await help("help node")).map((line) => line.split(" ").slice(0, 2).join(" ")), [
    "node load", "node insert", "node insert", "node bypass", "node replace", "node config", "node policy", "node restart", "node unload",
  ]);
  assert.equal((await help("node l ?")).map((line) => line.split("  ")[0]), ["node load <file> as <new-node> [config <json>]"]);
  assert.equal((await help("sh no ?")).map((line) => line.split("  ")[0]), [
    "show node", "show node counters [<node>]", "show node table <node> <table>", "show node <anchor>",
  ]);
  assert.match(message("help frob"), 'no command begins with "frob"');
});

test("word salads: a WeftError or a parse, and nothing is executed by parsing", () => {
  const words = [...new Set(COMMANDS.flatMap(({ pattern: text }) => text.match(/(?<![<\w])[a-z][a-z0-9-]*/g)!))];
  const word = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...words) },
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...words), fc.nat(5)).map(([text, n]) => text.slice(0, n)) },
    { weight: 4, arbitrary: fc.constantFrom(...Object.values(EXAMPLES)) },
    { weight: 1, arbitrary: fc.constantFrom("--json", "?", "help", "__proto__", "constructor", "toString", "0", "-1", "1e3", "/", "<mtu>", "[") },
    { weight: 1, arbitrary: fc.constantFrom("{", "}", '"', '""', '{"a": 1}') },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 20 }) },
  );
  fc.assert(fc.property(fc.array(word, { maxLength: 9 }), (salad) => {
    try {
      const parsed = grammar.parse(salad.join(" "));
      assert.type(parsed.command.run, "function");
    } catch (error) {
      assert.instance(error, WeftError);
      assert.not.match((error as WeftError).message, /[\x00-\x1f]/);
    }
  }), { numRuns: 20000 });
});

test.run();
