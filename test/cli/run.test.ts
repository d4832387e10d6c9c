import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Control, RouterOptions } from "../../host/control/api.js";
import { ctl } from "../../host/cli/ctl.js";
import { run } from "../../host/cli/run.js";
import { WeftError } from "../../host/errors.js";
import { stub } from "./stub.js";

const test = suite("run");
const folder = mkdtempSync(join(tmpdir(), "weft-test-"));
const path = join(folder, "weft.sock");
const script = join(folder, "router.weft");
test.after(() => rmSync(folder, { recursive: true }));

interface Ran {
  /** the exit status, or what was thrown */
  end: number | WeftError;
  calls: unknown[][];
  options: RouterOptions | undefined;
  out: string;
  error: string;
}

/** Runs `weft run`, with `ready` when it says that it is. */
async function running(argv: string[], ready: () => unknown = () => {}, overrides: Partial<Control> = {}): Promise<Ran> {
  const { control, calls } = stub(overrides);
  const ran: Ran = { end: -1, calls, options: undefined, out: "", error: "" };
  const output = {
    out: (text: string) => { ran.out += text; },
    error: (text: string) => { ran.error += text; if (text.includes("ready")) setImmediate(ready); },
  };
  const start = async (options: RouterOptions): Promise<Control> => { ran.options = options; return control; };
  ran.end = await run(["--socket", path, ...argv], start, output).catch((error: WeftError) => error);
  return ran;
}

const terminate = (): void => void process.kill(process.pid, "SIGTERM");

test("configures, says that it is ready, answers, and ends cleanly", async () => {
  writeFileSync(script, "create host-interface name eth0\nset interface state host-eth0 up\n");
  const answers: string[] = [];
  const ran = await running([script, "--buffers", "2048", "--workers", "2", "--cpu", "1,0", "--no-clocks", "--no-fuse"], async () => {
    await ctl(["--socket", path, "show", "version"], { out: (text) => answers.push(text), error: (text) => answers.push(text) });
    terminate();
  });
  assert.is(ran.end, 0);
  assert.is(ran.error, `weft: ready, socket ${path}\n`);
  assert.is(ran.out, "host-eth0\n");
  assert.equal(ran.calls.map(([name]) => name), ["createHostInterface", "setInterfaceState", "version", "stop"]);
  assert.match(answers[0]!, "weft 0.1.0");
  const { buffers, workers, cpu, clocks, fuse } = ran.options!;
  assert.equal([buffers, workers, cpu, clocks, fuse], [2048, 2, [1, 0], false, false]);
  assert.not(existsSync(path));
  assert.is(process.listenerCount("SIGTERM"), 0);
});

test("Ctrl-C ends it too", async () => {
  const ran = await running([], () => process.kill(process.pid, "SIGINT"));
  assert.is(ran.end, 0);
  assert.equal([ran.options!.buffers, ran.options!.fuse], [undefined, true]);
});

test("a script with a syntax error starts nothing", async () => {
  writeFileSync(script, "create host-interface name eth0\n\n\n\n\n\nset interface state host-eth0 upp\n");
  const ran = await running([script]);
  assert.match((ran.end as WeftError).message, `${script}:7: unknown word "upp"`);
  assert.is((ran.end as WeftError).code, "BAD_ARGUMENT");
  assert.is(ran.options, undefined);
});

test("a command that fails stops the router", async () => {
  writeFileSync(script, "\ncreate host-interface name eth9\n");
  const ran = await running([script], terminate, { createHostInterface: async () => { throw new WeftError("NOT_FOUND", "no netdev eth9"); } });
  assert.is((ran.end as WeftError).message, `${script}:2: no netdev eth9`);
  assert.equal(ran.calls.map(([name]) => name), ["createHostInterface", "stop"]);
  assert.not(existsSync(path));
});

test("a signal during the script ends it", async () => {
  writeFileSync(script, "ping 192.0.2.2\nshow version\n");
  const ran = await running([script], terminate, {
    ping: (_, options) => new Promise((resolve) => {
      const busy = setInterval(terminate, 20); // a router's worker keeps the process alive
      options!.signal!.addEventListener("abort", () => {
        clearInterval(busy);
        resolve({ sent: 1, received: 0, min: 0, average: 0, max: 0 });
      });
    }),
  });
  assert.is(ran.end, 0);
  assert.equal(ran.calls.map(([name]) => name), ["ping", "stop"]);
});

test("a second router on the same socket touches nothing", async () => {
  let second: Ran | undefined;
  await running([], async () => { second = await running([]); terminate(); });
  assert.match((second!.end as WeftError).message, "answers on");
  assert.is(second!.options, undefined);
});

test("wrong options", async () => {
  for (const [argv, message] of [
    [["--bufers", "9"], 'did you mean "--buffers"?'],
    [["--buffers", "12"], 'bad value "12" of --buffers: expected a number from 1024 to 262128'],
    [["--buffers"], "option --buffers needs a value"],
    [["--buffers", "--no-clocks"], "option --buffers needs a value"],
    [["--cpu", "one"], 'bad value "one" of --cpu'],
    [["--no-clocks=1"], "option --no-clocks takes no value"],
    [["-x"], 'unknown option "-x" of weft run'],
    [["a", "b"], "one start-up script at most"],
  ] as const) {
    const { end } = await running([...argv]);
    assert.instance(end, WeftError, message);
    assert.is((end as WeftError).code, "BAD_COMMAND");
    assert.match((end as WeftError).message, message);
  }
});

test("a wire that there is not", async () => {
  const { end, options } = await running(["--emulated", "sink,netdev:weft-none0"]);
  assert.match((end as WeftError).message, 'wire "netdev:weft-none0": no network interface "weft-none0" in this network namespace: "ip link" lists');
  assert.equal([(end as WeftError).code, options], ["NOT_FOUND", undefined]);
});

test.run();
