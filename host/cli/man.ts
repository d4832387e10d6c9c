// The manual weft(1), made from the tables of subcommands and commands: roff, man(7).

import { version } from "../control/version.js";
import { COMMANDS } from "./commands.js";
import { type Command, examplesOf } from "./grammar.js";
import type { Subcommand } from "./subcommand.js";
import { SUBCOMMANDS } from "./subcommands.js";
import { flag } from "./usage.js";

const DESCRIPTION = `weft is a router: a vector packet graph in the manner of FD.io VPP, whose nodes are WebAssembly functions. The subcommand run
starts one, ctl talks to it; without a subcommand, on a terminal, weft is a prompt for the router that runs.`;

const COMMANDS_ABOUT = `What a router understands, in start-up scripts, at prompts and through weft ctl. Any unambiguous prefix of a word will do.
Words in brackets may be left out, several such parts may come in any order, names in angle brackets stand for values. Words of a script from
"#" on are a comment.`;

const JSON_ABOUT = `With --json a show command prints one line of JSON: the shape that the method of the same name of the typed interface gives,
documented in host/control/api.ts. Fields keep their names and units; new ones may come.`;

const FILES: [name: string, what: string][] = [
  ["$XDG_RUNTIME_DIR/weft.sock, /run/weft.sock, /tmp/weft-UID.sock",
    "the control socket: the first where the variable is set, else the second for root, the third for others"],
  ["$XDG_STATE_HOME/weft/history, ~/.local/state/weft/history", "the last 1000 lines typed at prompts"],
];

const STATUS = "0: done. 1: it failed, or a ping had no answer. 2: it was called wrongly.";

/** What mandoc -Tlint takes for a line of good style. */
const LINE_MAX = 80;

/** All of it; `date` is its day, "2026-01-31". */
export function manual(date: string): string {
  return [
    `.TH WEFT 1 ${date} "weft ${version().version}"`,
    ".SH NAME", "weft \\- a packet graph whose every node is a WebAssembly function",
    ".SH SYNOPSIS", ...SUBCOMMANDS.flatMap(({ name, synopsis }, i) =>
      [...(i > 0 ? [".br"] : []), `.B weft ${roff(name)}`, ...(synopsis === "" ? [] : [filled(synopsis)])]),
    ".SH DESCRIPTION", filled(DESCRIPTION),
    ".SH SUBCOMMANDS", ...SUBCOMMANDS.flatMap(subcommandText),
    ".SH COMMANDS", filled(COMMANDS_ABOUT), ...COMMANDS.flatMap(commandText),
    ".SH JSON", filled(JSON_ABOUT),
    ".SH FILES", ...FILES.flatMap(([name, what]) => [".TP", `.I ${roff(name)}`, filled(what)]),
    ".SH EXIT STATUS", filled(STATUS),
    ".SH SEE ALSO", ".BR ip (8),", ".BR tshark (1)",
    "",
  ].join("\n");
}

function subcommandText({ name, synopsis, about, words = [], options, notes, examples }: Subcommand): string[] {
  return [
    `.SS weft ${roff(`${name} ${synopsis}`.trimEnd())}`,
    ...prose(about),
    ...words.flatMap(([word, help]) => [".TP", `.B ${roff(word)}`, ...prose(help)]),
    ...options.flatMap((option) => [".TP", `.B ${roff(flag(option))}`, ...prose(option.help)]),
    ...(notes === undefined ? [] : [".PP", ...prose(notes)]),
    ".PP", "Examples:", ...literal(examples),
  ];
}

function commandText(command: Command): string[] {
  const help = `${command.help}${command.json === true ? " (--json)" : ""}`;
  return [".TP", `.B ${roff(command.pattern)}`, filled(help), ...literal(examplesOf(command).map((line) => `  ${line}`))];
}

/** Paragraphs; lines that begin with a blank stand as they are. */
function prose(text: string): string[] {
  return text.split("\n\n").flatMap((paragraph, i) => {
    const lines = paragraph.split("\n");
    const indented = lines.findIndex((line) => line.startsWith(" "));
    const running = indented < 0 ? lines : lines.slice(0, indented);
    return [
      ...(i > 0 && running.length > 0 ? [".PP"] : []),
      ...(running.length > 0 ? [filled(running.join(" "))] : []),
      ...(indented < 0 ? [] : literal(lines.slice(indented).map((line) => line.slice(2)))),
    ];
  });
}

/** Text of one paragraph, in lines of at most 80 characters. */
function filled(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).map((one) => roff(one))) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + word.length < LINE_MAX) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => line.replace(/^[.']/, "\\&$&")).join("\n");
}

function literal(lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [".RS", ".nf", ...lines.map(roff), ".fi", ".RE"];
}

/** roff(7): a backslash is \e, a hyphen that one types \-, and no line begins with a control character. */
function roff(text: string): string {
  const characters: Record<string, string> = { "\\": "\\e", "-": "\\-", "…": "...", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti" };
  return text.replace(/[\\\-…'`^~]/g, (one) => characters[one]!).replace(/^\./gm, "\\&.");
}
