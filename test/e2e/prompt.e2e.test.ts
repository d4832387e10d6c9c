// The prompt on a terminal: weft run --interactive, weft ctl and weft, and scripts on standard input.

import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { HISTORY_MAX } from "../../host/cli/history.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { A, hostAt, script } from "./network.js";
import { Terminal } from "./terminal.js";
import { Weft, scratch } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const LAUNCH = [process.execPath, fileURLToPath(new URL("./launch.js", import.meta.url))];
const READY = /weft# $/;
const INTERFACE = `host-${A.device}`;
const host = await hostAt(A);
const folder = scratch();
const history = join(folder, "state/weft/history");
const env = { XDG_STATE_HOME: join(folder, "state"), XDG_RUNTIME_DIR: folder };
/** The same, with a router's socket where it is looked for. */
const at = ({ socket }: Weft) => ({ ...env, XDG_RUNTIME_DIR: dirname(socket) });
const file = join(folder, "router.weft");
writeFileSync(file, script(A).join("\n"));
test.after(() => host.close());

/** What all prompts have in common. */
async function converse(terminal: Terminal): Promise<void> {
  assert.match(await terminal.type("sh ver\r", /contract[^]*weft# $/), "weft 0.1.0, node contract 1");
  assert.match(await terminal.type("show interfcae\r", /expected[^]*weft# $/), 'did you mean "interface"?');
  await terminal.type("show er?", /errors +dropped and noteworthy packets[^]*weft# show er$/);
  await terminal.type("\t", /^rors $/);
  await terminal.type("\x03", /\^C\nweft# $/);
  assert.match(await terminal.type("show interface host-\t", /weft0 $/), `show interface ${INTERFACE} `);
  await terminal.type("?", /<cr> +state and counters[^]*show interface host-weft0 $/);
  assert.match(await terminal.type("\r", /State[^]*weft# $/), /Name +Idx +State/);
  await terminal.type("show node ip4-l\t", /ip4-lo$/);
  await terminal.type("\t", /ip4-local +ip4-lookup[^]*show node ip4-lo$/);
  await terminal.type("\x03", READY);
  assert.match(await terminal.type(`node load ${folder}/rou\t`, /weft $/), "router.weft", "names of files");
  await terminal.type("\x03", READY);
  assert.match(await terminal.type(`ping ${A.address} repeat 1000 interval 0.1\r`, /icmp_seq=2/), "bytes from");
  await terminal.type("\x03", READY);
  assert.match(await terminal.type("\x1b[A", /ping/), "repeat 1000", "the line before");
  await terminal.type("\x03", READY);
  assert.match(await terminal.type("watch -n 0.1 show version\r", /Every 0.1 s: show version(.|\n)*Every 0.1 s: show version/), "node contract 1");
  await terminal.type(" ", READY);
  assert.match(await terminal.type("watch -n 0.1 show clock\r", /Every 0.1 s: show clock[^]*Time now/), "running for");
  await terminal.type("\x03", READY);
  assert.match(await terminal.type("watch -n 0.1 show interface none-0\r", /no interface[^]*weft# $/), 'no interface "none-0"');
  assert.match(await terminal.type("watch -n x show version\r", READY), 'bad number of seconds "x"');
  assert.match(await terminal.type("watch\r", READY), '"watch" needs a command');
  await terminal.type("w\t", /watch $/);
  await terminal.type("\x03", READY);
  assert.match(await terminal.type("  \rset interface mtu 1400 host-weft0\rshow interface host-weft0\r", /1400[^]*weft# $/), "1400", "several lines at once");
}

test("weft run --interactive: a router with a prompt, that ends with it", async () => {
  const terminal = new Terminal([...LAUNCH, "run", "--interactive", file, "--socket", join(folder, "one.sock")], env);
  try {
    assert.match(await terminal.see(READY), "weft: ready");
    await converse(terminal);
    await host.ip("link", "set", "eth0", "down");
    assert.match(await terminal.see(/link down\nweft# $/), "weft: interface host-weft0: link down", "notices stand above the prompt");
    await host.ip("link", "set", "eth0", "up");
    await terminal.see(/link up\nweft# $/);
    await terminal.type("show logging\r", /link up\nweft# $/);
    await terminal.type("quit\r", /quit/);
    assert.is(await terminal.end(), 0);
    assert.not(existsSync(join(folder, "one.sock")));
  } finally {
    terminal.kill();
  }
});

test("weft ctl and weft alone: a prompt of a running router", async () => {
  const router = await Weft.start(script(A));
  try {
    for (const [words, ending] of [[["ctl", "--socket", router.socket], "exit\r"], [[], "\x04"]] as const) {
      const terminal = new Terminal([...LAUNCH, ...words], at(router));
      try {
        await terminal.see(READY);
        await converse(terminal);
        await terminal.type(ending, /\n$/);
        assert.is(await terminal.end(), 0);
      } finally {
        terminal.kill();
      }
    }
    const cut = new Terminal([...LAUNCH, "ctl"], at(router));
    await cut.see(READY);
    router.kill();
    await cut.type("show version\r", /weft: (no router answers on|the router on)/);
    assert.is(await cut.end(), 1);
  } finally {
    router.kill();
  }
});

test("the history is kept, bounded, and nobody else's to read", async () => {
  assert.is(statSync(history).mode & 0o777, 0o600);
  assert.match(readFileSync(history, "utf8"), "show interfcae\n");
  writeFileSync(history, Array.from({ length: HISTORY_MAX + 10 }, (_, i) => `show interface host-${i}\n`).join(""));
  chmodSync(history, 0o644);
  const terminal = new Terminal([...LAUNCH, "run", "--interactive", "--socket", join(folder, "two.sock")], env);
  try {
    await terminal.see(READY);
    await terminal.type("\x1b[A", new RegExp(`host-${HISTORY_MAX + 9}$`));
    await terminal.type("\x03", READY);
    await terminal.type("\x04", /\n$/);
    assert.is(await terminal.end(), 0);
  } finally {
    terminal.kill();
  }
  assert.is(readFileSync(history, "utf8").split("\n").length, HISTORY_MAX + 1);
  assert.is(statSync(history).mode & 0o777, 0o600);
});

test("standard input as a script: it ends with the first command that fails, and names its line", async () => {
  const router = await Weft.start(script(A));
  const weft = (words: string[], input: string) => {
    const text = join(folder, "input");
    writeFileSync(text, input);
    return spawnSync("sh", ["-c", `exec "$@" < ${text}`, "sh", ...LAUNCH, ...words], { encoding: "utf8", env: { ...process.env, ...at(router) } });
  };
  try {
    const good = weft(["ctl"], "# one\n\nshow version # two\nset interface mtu 1300 host-weft0\n");
    assert.equal([good.status, good.stderr], [0, ""]);
    assert.match(good.stdout, /^weft 0\.1\.0.*\n$/);
    assert.is((await router.interface(INTERFACE)).mtu, 1300);
    assert.match(weft([], "show version\n").stdout, "node contract");
    const bad = weft(["ctl"], "show version\nshow nothing\nset interface mtu 1200 host-weft0\n");
    assert.is(bad.status, 2);
    assert.match(bad.stderr, /^weft: standard input:2: unknown word "nothing".*\n$/);
    assert.is((await router.interface(INTERFACE)).mtu, 1300);
    assert.is(weft(["ctl"], "quit\nshow nothing\n").status, 0);
    assert.ok(JSON.parse(weft(["ctl", "--json"], "show interface\n").stdout));
  } finally {
    router.kill();
  }
  const alone = weft(["run", "--interactive", file, "--socket", join(folder, "three.sock")], "show interface address\nshow nothing\n");
  assert.is(alone.status, 2);
  assert.match(alone.stdout, `L3 ${A.gateway}/24`);
  assert.match(alone.stderr, "standard input:2: unknown word");
});

test.run();
