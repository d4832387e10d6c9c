// Completion in real shells, and the manual as mandoc reads it.

import { chmodSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { COMMANDS } from "../../host/cli/commands.js";
import { SUBCOMMANDS } from "../../host/cli/subcommands.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { A, hostAt, script } from "./network.js";
import { Terminal } from "./terminal.js";
import { Weft, scratch } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const folder = scratch();
const launch = fileURLToPath(new URL("./launch.js", import.meta.url));
writeFileSync(join(folder, "weft"), `#!/bin/sh\nexec ${process.execPath} ${launch} "$@"\n`);
chmodSync(join(folder, "weft"), 0o755);
writeFileSync(join(folder, "router.weft"), "");
const host = await hostAt(A);
const router = await Weft.start(script(A));
const env = { ...process.env, PATH: `${folder}:${process.env["PATH"]}`, XDG_RUNTIME_DIR: dirname(router.socket), HOME: folder, XDG_CONFIG_HOME: folder };
test.after(async () => {
  await router.stop();
  await host.close();
});

function weft(...argv: string[]): string {
  return spawnSync(join(folder, "weft"), argv, { encoding: "utf8", env, cwd: folder }).stdout;
}

/** What is typed, and the words that TAB then offers. */
const OFFERS: [typed: string, offers: string[]][] = [
  ["weft ct", ["ctl"]],
  ["weft node b", ["bench", "build"]],
  ["weft run --s", ["--socket"]],
  ["weft run rou", ["router.weft"]],
  ["weft run router.weft --socket rou", ["router.weft"]],
  ["weft demo ping --port af", ["af_packet"]],
  ["weft completion z", ["zsh"]],
  ["weft ctl show inter", ["interface"]],
  ["weft ctl --json show interface host-", [`host-${A.device}`]],
  ["weft ctl show node ip4-lo", ["ip4-local", "ip4-lookup"]],
  ["weft ctl set interface state host-weft0 ", ["down", "up"]],
  ["weft ctl node load rou", ["router.weft"]],
  ["weft ctl bogus ", []],
];

test("bash", () => {
  const program = `source <(weft completion bash)
    for typed; do
      COMP_LINE=$typed COMP_POINT=\${#typed} COMP_WORDS=($typed); [[ $typed == *' ' ]] && COMP_WORDS+=("")
      COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _weft weft; printf '%s\\n' "\${COMPREPLY[@]}" "--"
    done`;
  const words = ["--norc", "--noprofile", "-c", program, "bash", ...OFFERS.map(([typed]) => typed)];
  const { stdout } = spawnSync("bash", words, { encoding: "utf8", env, cwd: folder });
  const offered = stdout.split(/^--\n/m).slice(0, -1).map((text) => text.split("\n").filter((line) => line !== "").sort());
  assert.equal(offered, OFFERS.map(([, offers]) => offers));
});

test("fish", () => {
  for (const [typed, offers] of OFFERS.filter((_, i) => i % 3 === 0)) { // what weft offers is the same; how fish takes it is what counts here
    const { stdout } = spawnSync("fish", ["-c", 'weft completion fish | source; complete -C "$argv[1]"', typed], { encoding: "utf8", env, cwd: folder });
    assert.equal(stdout.split("\n").filter((line) => line !== "").map((line) => line.split("\t")[0]!).sort(), offers, typed);
  }
});

/** Ctrl-U and Enter: a new prompt. (Of a Ctrl-C that comes as a completion ends bash hears only with the next key.) */
const NEW_LINE = "\x15\r";

for (const [shell, words, setUp] of [
  ["bash", ["bash", "--norc", "--noprofile", "-i"], 'eval "$(weft completion bash)"'],
  ["zsh", ["zsh", "-f", "-i"], 'autoload -Uz compinit; compinit -u -d zcompdump; eval "$(weft completion zsh)"'],
] as const) {
  test(`${shell} on a terminal`, async () => {
    const terminal = new Terminal([...words], env);
    try {
      await terminal.see(/[#$%>] $/);
      await terminal.type("PS1='ready> '\r", /ready> $/);
      await terminal.type(`cd ${folder}; ${setUp}; echo set; echo up\r`, /set\nup\n[^]*ready> /);
      await terminal.type("weft ct\t", /weft ctl $/);
      await terminal.type("sh\t", /ow $/);
      await terminal.type("interface host-\t", /weft0 $/);
      await terminal.type(NEW_LINE, /ready> /);
      await terminal.type("weft run rou\t", /ter\.weft $/);
      await terminal.type(NEW_LINE, /ready> /);
      await terminal.type("exit\r", /exit/);
    } finally {
      terminal.kill();
    }
  });
}

test("an unknown shell", () => {
  const { status, stderr } = spawnSync(join(folder, "weft"), ["completion", "bsh"], { encoding: "utf8", env });
  assert.equal([status, stderr], [2, 'weft: unknown shell "bsh": did you mean "bash"? expected one of: bash, zsh, fish (weft completion --help)\n']);
});

test("mandoc finds nothing wrong with the manual, and all commands in it", () => {
  const page = weft("man");
  const lint = spawnSync("mandoc", ["-Tlint"], { input: page, encoding: "utf8" });
  assert.equal([lint.status, lint.stdout], [0, ""]);
  const text = spawnSync("mandoc", ["-Tutf8", "-O", "width=500"], { input: page, encoding: "utf8" }).stdout.replace(/.\x08/g, "");
  for (const { pattern } of COMMANDS) assert.ok(text.includes(pattern), pattern);
  for (const { name, options } of SUBCOMMANDS) for (const option of [`weft ${name}`, ...options.map((one) => `--${one.name}`)]) assert.ok(text.includes(option), option);
});

test.run();
