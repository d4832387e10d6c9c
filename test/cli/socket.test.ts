import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type Socket, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Control } from "../../host/control/api.js";
import { ctl } from "../../host/cli/ctl.js";
import { ControlSocket, LINE_MAX, defaultSocketPath } from "../../host/cli/socket.js";
import { WeftError } from "../../host/errors.js";
import { LOCAL0, stub } from "./stub.js";

const socket = suite("socket");
const folder = mkdtempSync(join(tmpdir(), "weft-test-"));
const path = join(folder, "weft.sock");
socket.after(() => rmSync(folder, { recursive: true }));

/** Runs `weft ctl` against the socket. */
async function ask(...argv: string[]): Promise<{ status: number; out: string; error: string }> {
  let [out, error] = ["", ""];
  const output = { out: (text: string) => { out += text; }, error: (text: string) => { error += text; } };
  const status = await ctl(["--socket", path, ...argv], output);
  return { status, out, error };
}

async function listening(work: () => Promise<void>, overrides: Partial<Control> = {}): Promise<void> {
  const server = await ControlSocket.listen(stub(overrides).control, path);
  try {
    await work();
  } finally {
    await server.close();
  }
}

async function failure(work: Promise<unknown>): Promise<WeftError> {
  const error = await work.then(() => undefined, (reason: unknown) => reason);
  assert.instance(error, WeftError);
  return error as WeftError;
}

/** A client that says anything; `answers` grows as the router speaks. */
function raw(): { client: Socket; answers: string[]; closed: Promise<void> } {
  const client = connect(path);
  const answers: string[] = [];
  let text = "";
  client.setEncoding("utf8").on("data", (more: string) => {
    const lines = (text + more).split("\n");
    text = lines.pop()!;
    answers.push(...lines);
  });
  client.on("error", () => {});
  return { client, answers, closed: new Promise((resolve) => client.on("close", () => resolve())) };
}

async function until(condition: () => boolean): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end && !condition(); ) await sleep(10);
  assert.ok(condition(), String(condition));
}

socket("ctl prints what the router says, and exits as it says", () => listening(async () => {
  assert.equal(await ask("show version"), { status: 0, out: "weft 0.1.0, node contract 1, Node v20.20.2\n", error: "" });
  assert.equal(await ask("create", "host-interface", "name", "eth0"), { status: 0, out: "host-eth0\n", error: "" });
  assert.is(JSON.parse((await ask("show", "version", "--json")).out).contract, 1);
  const wrong = await ask("show", "interfcae");
  assert.is(wrong.status, 2);
  assert.is(wrong.out, "");
  assert.match(wrong.error, /^weft: unknown word "interfcae".*\n$/);
  assert.is((await ask("set", "interface", "state", "host-eth0", "up")).status, 0);
}));

socket("a word with blanks that the shell has taken the quotes off stays one", async () => {
  const streams: string[] = [];
  const newPacketStream = async ({ data }: { data?: string }): Promise<never> => {
    streams.push(data!);
    return undefined as never; // the command does not look at it
  };
  await listening(async () => {
    const data = "UDP: 192.0.2.2 -> 198.51.100.1 UDP: 1024 -> 9";
    assert.equal(await ask("packet-generator", "new", "name", "s0", "interface", "pg0", "data", data), { status: 0, out: "", error: "" });
    assert.equal(streams, [data]);
    assert.is((await ask("show version", "--json")).status, 0);
  }, { newPacketStream });
});

socket("failures, also those of the router's own making, are one line and status 1", () => listening(async () => {
  assert.equal(await ask("clear errors"), { status: 1, out: "", error: "weft: not now\n" });
  assert.equal(await ask("clear runtime"), { status: 1, out: "", error: "weft: internal error: x is undefined\n" });
}, { clearErrors: () => { throw new WeftError("CONFLICT", "not now"); }, clearRuntime: () => { throw new TypeError("x is undefined"); } }));

socket("output for a disk that is full: one line and status 1; for a reader who is gone: 0", () => listening(async () => {
  const program = fileURLToPath(new URL("../e2e/launch.js", import.meta.url));
  const ended = async (redirection: string): Promise<[code: number, error: string]> => {
    const child = spawn("sh", ["-c", `exec "$@" ${redirection}`, "sh", process.execPath, program, "ctl", "--socket", path, "show", "version"]);
    let error = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => { error += text; });
    child.stdout.destroy(); // the reader
    return new Promise((resolve) => child.on("close", (code) => resolve([code!, error])));
  };
  assert.equal(await ended(">/dev/full"), [1, "weft: cannot write to standard output: ENOSPC\n"]);
  assert.equal(await ended(""), [0, ""]);
}));

socket("only the user may connect, and the socket is removed at the end", async () => {
  await listening(async () => {
    assert.is(statSync(path).mode & 0o777, 0o600);
  });
  assert.not(existsSync(path));
});

socket("a stale socket is replaced, one in use and a file are not", async () => {
  const leave = "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))";
  spawnSync(process.execPath, ["-e", leave, path]);
  assert.ok(existsSync(path));
  await listening(async () => {
    const error = await failure(ControlSocket.listen(stub().control, path));
    assert.is(error.code, "CONFLICT");
    assert.match(error.message, `a router answers on ${path} already`);
    assert.is((await ask("show version")).status, 0);
  });
  const file = join(folder, "file");
  writeFileSync(file, "mine");
  assert.match((await failure(ControlSocket.listen(stub().control, file))).message, "is not a socket");
  assert.ok(existsSync(file));
  const nowhere = await failure(ControlSocket.listen(stub().control, join(folder, "none", "weft.sock")));
  assert.match(nowhere.message, `no folder ${join(folder, "none")}`);
  assert.is((await failure(ControlSocket.listen(stub().control, `/tmp/${"x".repeat(120)}`))).code, "BAD_ARGUMENT");
});

socket("no router", async () => {
  const error = await failure(ask("show version"));
  assert.is(error.code, "NOT_RUNNING");
  assert.is(error.message, `no router answers on ${path}: start one with "weft run"`);
  assert.is((await failure(ask())).code, "NOT_RUNNING");
  assert.match((await failure(ask("--sokcet", "x"))).message, 'unknown option "--sokcet" of weft ctl: did you mean "--socket"?');
});

socket("what answers is not a router: told once, whatever it says", async () => {
  for (const text of ["HTTP/1.0 400 Bad Request\r\n\r\n", "null\n{}\n", "42\n", '["out"]\n', '{"done":"0"}\n', '{"out":7,"done":0}\n']) {
    const server = createServer((client) => client.resume().on("error", () => {}).write(text)).listen(path);
    try {
      const error = await failure(ask("show version"));
      assert.equal([error.code, error.message], ["NOT_RUNNING", `what answers on ${path} is not a router: name another socket with --socket`], text);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  }
});

socket("numbers below zero are values; an empty word is none", () => listening(async () => {
  const mtu = await ask("set", "interface", "mtu", "-1", "host-eth0");
  assert.equal([mtu.status, mtu.error], [2, 'weft: bad mtu "-1" in "set interface mtu -1": expected a number from 68 to 65535, such as 1500; or "packet"\n']);
  assert.match((await ask("ping", "192.0.2.2", "repeat", "-10")).error, 'bad repeat "-10" in');
  const empty = await failure(ask("clear", "hardware-interfaces", ""));
  assert.equal([empty.code, empty.message], ["BAD_COMMAND", 'word 3 of "clear hardware-interfaces " is empty: is a variable of the shell not set?']);
}));

socket("hostile input is answered and hurts nobody", () => listening(async () => {
  const { client, answers } = raw();
  const lines = ["", "{", "null", "7", "[]", '{"command": 1}', '{"command": "show version", "json": 1}', '{"command": ""}',
    '{"complete": 7}', '{"command": "\\u0000\\u001b[2J"}', '{"__proto__": null, "command": "constructor"}', "\u0000\u00ff", '{"command": "show version"}'];
  client.write(lines.join("\n") + "\n");
  await until(() => answers.length === lines.length + 1);
  for (const answer of answers.slice(0, -2)) assert.is(JSON.parse(answer).done, 2, answer);
  assert.equal(JSON.parse(answers.at(-1)!), { done: 0 });
  client.destroy();

  const endless = raw();
  endless.client.write("x".repeat(LINE_MAX + 1));
  await endless.closed;
  assert.match(endless.answers[0]!, `longer than ${LINE_MAX}`);
  assert.is((await ask("show version")).status, 0);
}));

socket("what can come next", () => listening(async () => {
  const { client, answers } = raw();
  client.write('{"complete":"show interface host-"}\n{"complete":"\\u0000 {"}\n');
  await until(() => answers.length === 2);
  assert.equal(JSON.parse(answers[0]!).choices.words, [["host-eth0", "interface"]]);
  assert.equal(JSON.parse(answers[1]!).choices.words, []);
  client.destroy();
}));

socket("several clients, each with its own answers in order", () => listening(async () => {
  const clients = Array.from({ length: 8 }, raw);
  for (const { client } of clients) client.write('{"command":"show version"}\n{"command":"show errors","json":true}\n');
  await until(() => clients.every(({ answers }) => answers.length === 4));
  for (const { client, answers } of clients) {
    assert.match(answers[0]!, "weft 0.1.0");
    assert.match(answers[2]!, "ip4-input");
    client.destroy();
  }
}));

socket("a ping streams, and ends when its client goes away", async () => {
  let aborted = false;
  const ping: Control["ping"] = async (from, { onReply, signal } = {}) => {
    onReply!({ sequence: 1, from, bytes: 64, ttl: 64, time: 1 });
    await new Promise((resolve) => signal!.addEventListener("abort", resolve, { once: true }));
    aborted = true;
    return { sent: 1, received: 1, min: 1, average: 1, max: 1 };
  };
  await listening(async () => {
    const { client, answers } = raw();
    client.write('{"command":"ping 192.0.2.2"}\n');
    await until(() => answers.length === 1);
    assert.match(answers[0]!, "icmp_seq=1");
    assert.is((await ask("show version")).status, 0);
    assert.not(aborted);
    client.destroy();
    await until(() => aborted);
  }, { ping });
});

socket("a client that does not read is cut off", () => {
  let answered = 0;
  return listening(async () => {
    const { client, closed } = raw();
    client.pause();
    client.write('{"command":"show interface","json":true}\n'.repeat(1000));
    // It has a few turns of the event loop for an answer: when there is none in a hundred, it has cut the client off.
    for (let before = 0; answered === 0 || answered > before; ) {
      before = answered;
      for (let turn = 0; turn < 100; turn++) await nextTurn();
    }
    assert.ok(answered < 1000, "not all is answered");
    client.resume();
    await closed;
    assert.is((await ask("show version")).status, 0);
  }, { interfaces: () => (answered++, Array.from({ length: 1000 }, () => LOCAL0)) });
});

socket("a client that reads gets a node's table of 100,000 rows", async () => {
  const rows = Array.from({ length: 100_000 }, (_, i) => ["192.0.2.2", "198.51.100.2", i, i]);
  await listening(async () => {
    const { status, out } = await ask("show node table flow-meter flows");
    assert.equal([status, out.split("\n").length], [0, 100_002]);
  }, { nodeTable: (node, name) => ({ node, table: name, columns: ["source", "destination", "packets", "bytes"], rows }) });
});

socket("a client that reads gets an answer of any size", async () => {
  const cell = "x".repeat(30_000);
  await listening(async () => {
    const { status, out } = await ask("show node table flow-meter flows");
    assert.equal([status, out.length > 1 << 24, out.split("\n").length], [0, true, 1002]);
  }, { nodeTable: (node, name) => ({ node, table: name, columns: ["text"], rows: Array.from({ length: 1000 }, () => [cell]) }) });
});

socket("where a router listens by default", () => {
  assert.is(defaultSocketPath({ XDG_RUNTIME_DIR: "/run/user/7" }, 7), "/run/user/7/weft.sock");
  assert.is(defaultSocketPath({}, 0), "/run/weft.sock");
  assert.is(defaultSocketPath({}, 7), join(tmpdir(), "weft-7.sock"));
});

socket.run();
