// weft top on a terminal: what it shows, what keys do, and that the terminal is as it was whatever ends it.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Rates } from "../../host/cli/top-rates.js";
import { Terminal } from "./terminal.js";
import { LAUNCH, Weft, scratch, until, weft } from "./weft.js";

const ENTER = "\x1b[?1049h";
const LEAVE = "\x1b[?1049l";
const SCRIPT = [
  "create packet-generator interface pg0", "set interface state pg0 up", "set interface ip address pg0 192.0.2.1/24",
  "set ip neighbor pg0 192.0.2.2 02:00:00:00:00:02",
  'packet-generator new name s0 interface pg0 rate 1e4 size 60 data "UDP: 192.0.2.2 -> 198.51.100.2 UDP: 1024 -> 9 incrementing 18"',
  "packet-generator enable-stream s0",
];
/** A program that throws where nobody catches, when it is told to. */
const CRASH = "--import=data:text/javascript,process.on('SIGUSR2',()=>{throw%20new%20Error('crash')})";

const router = await Weft.start(SCRIPT);
test.after(() => stop(router));

/** A router is at rest when nothing more comes. */
async function stop(one: Weft): Promise<void> {
  await one.ctl("packet-generator disable-stream");
  await one.stop();
}

/** weft top under a shell, which tells how it ended and how the terminal was before and behind it. */
class Running {
  readonly folder = scratch();
  readonly terminal: Terminal;

  constructor(socket: string, env: NodeJS.ProcessEnv = {}) {
    const program = `cd ${this.folder}; stty -g > before; tty=$(tty); (while [ ! -e small ]; do sleep 0.1; [ -d . ] || exit; done; stty cols 44 rows 12) < $tty &
      sh -c 'echo $$ > pid; exec "$@"' sh "$@"; status=$?; stty -g > after; touch small; echo "ended with $status"`;
    const words = [process.execPath, LAUNCH, "top", "--interval", "0.2", "--socket", socket];
    this.terminal = new Terminal(["sh", "-c", program, "sh", ...words], { NO_COLOR: "", ...env });
  }

  signal(name: NodeJS.Signals): void {
    process.kill(Number(readFileSync(join(this.folder, "pid"), "utf8")), name);
  }

  /** It ends with this status, and the terminal is as it was; gives what it said then. */
  async ends(status: number): Promise<string> {
    await this.terminal.see(new RegExp(`ended with ${status}\n`));
    const modes = (name: string): string => readFileSync(join(this.folder, name), "utf8");
    assert.is(modes("after"), modes("before"));
    const { all } = this.terminal;
    assert.is(all.split(ENTER).length, all.split(LEAVE).length);
    assert.ok(all.lastIndexOf("\x1b[?25h") > all.lastIndexOf("\x1b[?25l"), "the cursor is there again");
    return all.slice(all.lastIndexOf(LEAVE) + LEAVE.length);
  }
}

test("what it shows, keys, another size", async () => {
  const top = new Running(router.socket);
  const { terminal, folder } = top;
  try {
    const shown = await terminal.see(/in \d.*k packets\/s {3}out .* dropped [^]*clocks\/packet[^]*Share[^]*ip4-lookup +[\d.]+ %/);
    assert.match(shown, "h help, q quit");
    assert.ok(terminal.all.includes("\x1b[33m"), "the hottest node in colour");
    await terminal.type("p", /PAUSED/);
    await terminal.type("p", /packets\/s(?![^]*PAUSED)[^]*packets\/s/);
    await terminal.type("s", /by packets/);
    await terminal.type("s", /by name/);
    await terminal.type("h", /p pause/);
    await terminal.type("h", /by name/);
    terminal.text = "";
    writeFileSync(join(folder, "small"), "");
    const small = await terminal.see(/Share {2}Clk\/pkt\n[^]*Share {2}Clk\/pkt\n/);
    assert.ok(small.slice(small.indexOf("Clk/pkt\n")).split(/\n|weft top/).every((line) => line.length <= 44), small);
    terminal.press("q");
    assert.is(await top.ends(0), "ended with 0\r\n");
  } finally {
    terminal.kill();
  }
});

for (const [how, end, status, said] of [
  ["Ctrl-C", (top: Running) => top.terminal.press("\x03"), 0, /^ended/],
  ["SIGTERM", (top: Running) => top.signal("SIGTERM"), 0, /^ended/],
  ["SIGHUP", (top: Running) => top.signal("SIGHUP"), 0, /^ended/],
  ["a crash", (top: Running) => top.signal("SIGUSR2"), 1, /Error: crash[^]*ended/],
] as const) {
  test(`${how}: the terminal is as it was`, async () => {
    const top = new Running(router.socket, { NODE_OPTIONS: CRASH });
    try {
      await top.terminal.see(/ip4-lookup/);
      end(top);
      assert.match(await top.ends(status), said);
    } finally {
      top.terminal.kill();
    }
  });
}

test("Ctrl-Z gives the terminal back for as long as it is stopped", async () => {
  const top = new Running(router.socket);
  try {
    await top.terminal.see(/ip4-lookup/);
    top.terminal.press("\x1a");
    await until("it left the screen", () => top.terminal.all.includes(LEAVE));
    const { all } = top.terminal;
    await until("it is stopped", () => /\) T /.test(readFileSync(`/proc/${readFileSync(join(top.folder, "pid"), "utf8").trim()}/stat`, "utf8")));
    top.signal("SIGCONT");
    await until("it is there again", () => top.terminal.all.slice(all.length).includes(ENTER));
    top.signal("SIGTERM");
    await top.ends(0);
  } finally {
    top.terminal.kill();
  }
});

test("a router that goes, and none", async () => {
  const other = await Weft.start(SCRIPT);
  const top = new Running(other.socket);
  try {
    await top.terminal.see(/ip4-lookup/);
    await stop(other);
    assert.match(await top.ends(1), /^weft: (no router answers on|the router on) .*\r\nended/);
  } finally {
    top.terminal.kill();
  }
  assert.not(existsSync(other.socket));
  const { status, stdout, stderr } = await weft("top", "--socket", other.socket);
  assert.equal([status, stdout, stderr], [1, "", `weft: no router answers on ${other.socket}: start one with "weft run"\n`]);
});

test("once: text, and JSON", async () => {
  const text = await weft("top", "--once", "--interval", "0.2", "--socket", router.socket);
  assert.equal([text.status, text.stderr], [0, ""]);
  assert.match(text.stdout, /^in .*k packets\/s.*\nbusy .*\n\nNode +Share [^]*\nip4-lookup /);
  assert.not.match(text.stdout, "\x1b");
  const json = await weft("top", "--json", "--interval", "0.5", "--socket", router.socket);
  const found = JSON.parse(json.stdout) as Rates;
  assert.ok(found.rxRate > 1000 && found.seconds >= 0.5, json.stdout);
  assert.ok(Math.abs(found.nodes.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9);
  assert.ok(found.nodes.some(({ name }) => name === "pg-input"), "input nodes too");
});

test("what is typed wrongly", async () => {
  for (const [argv, message] of [
    [["--interval", "0"], 'weft: bad value "0" of --interval: expected seconds from 0.1 to 60\n'],
    [["--interval", "x"], 'weft: bad value "x" of --interval: expected seconds from 0.1 to 60\n'],
    [["pg0"], 'weft: weft top takes no "pg0" (weft top --help)\n'],
  ] as const) {
    const { status, stdout, stderr } = await weft("top", ...argv);
    assert.equal([status, stdout, stderr], [2, "", message]);
  }
});

test.run();
