// What TAB offers in a shell: `weft completion SHELL` prints the script that asks, `weft complete -- WORDS…` answers.
//
//   word TAB meaning     one a line
//   :file                names of files, which the shell knows to complete

import { WeftError } from "../errors.js";
import { quote, suggestion } from "../nearest.js";
import { remoteChoices } from "./ctl.js";
import { parseOptions } from "./options.js";
import type { Output } from "./session.js";
import { defaultSocketPath } from "./socket.js";
import type { Completes, Subcommand } from "./subcommand.js";
import { SUBCOMMANDS } from "./subcommands.js";

const FILE = ":file";
/** A router that is busy is not waited for. */
const PATIENCE = 1000;

const SCRIPTS: Record<string, string> = {
  bash: `_weft() {
  local IFS=$'\\n' line words current=\${COMP_WORDS[COMP_CWORD]}
  IFS=$' \\t' read -ra words <<< "\${COMP_LINE:0:COMP_POINT}"
  [[ \${COMP_LINE:0:COMP_POINT} == *[[:blank:]] ]] && words+=("")
  COMPREPLY=()
  for line in $("$1" complete -- "\${words[@]:1}" 2>/dev/null); do
    if [[ $line == ${FILE} ]]; then
      compopt -o filenames 2>/dev/null
      COMPREPLY+=($(compgen -f -- "$current"))
    else
      COMPREPLY+=("\${line%%$'\\t'*}")
    fi
  done
}
complete -F _weft weft
`,
  zsh: `#compdef weft
_weft() {
  local -a found
  local line tab=$'\\t'
  for line in "\${(@f)$("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      ${FILE}) _files ;;
      ?*) found+=("\${\${line%%$tab*}//:/\\\\:}:\${line#*$tab}") ;;
    esac
  done
  (( $#found )) && _describe weft found
}
compdef _weft weft
`,
  fish: `function __weft_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in ($words[1] complete -- $words[2..-1] 2>/dev/null)
    if test "$line" = "${FILE}"
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c weft -f -a "(__weft_complete)"
`,
};

export function completion(argv: string[], output: Output): number {
  const { positionals: [shell, extra] } = parseOptions("completion", argv);
  if (shell === undefined) throw bad("for which shell? bash, zsh or fish");
  if (extra !== undefined) throw bad(`one shell at a time: unexpected ${quote(extra)}`);
  if (!Object.hasOwn(SCRIPTS, shell)) throw bad(`unknown shell ${quote(shell)}${suggestion(shell, Object.keys(SCRIPTS))}`);
  output.out(SCRIPTS[shell]!);
  return 0;
}

function bad(message: string): WeftError {
  return new WeftError("BAD_COMMAND", `${message} (weft completion --help)`);
}

/** `words`: those behind "weft", as far as the one that is being typed. */
export async function complete(words: string[], output: Output): Promise<number> {
  const lines = await candidates(words);
  output.out(lines.map((line) => `${line}\n`).join(""));
  return 0;
}

async function candidates(words: string[]): Promise<string[]> {
  const partial = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const found = describe(before);
  if (found === undefined) {
    if (before.length > 0 && before[0] !== "help") return [];
    const names = SUBCOMMANDS.filter(({ name }) => !name.includes(" ")).map(({ name, summary }): Word => [name, summary]);
    return matching([...names, ["help", "help for a subcommand"], ["--help", "help"], ["--version", "which weft this is"]], partial);
  }
  const { described, rest } = found;
  if (rest.includes("--")) return [FILE]; // another program's
  const valued = described.options.find(({ name, value }) => value !== undefined && rest.at(-1) === `--${name}`);
  if (valued !== undefined) return offered(valued.completes ?? [], partial, rest);
  if (partial.startsWith("-")) {
    const options = described.options.map(({ name, help }): Word => [`--${name}`, firstLine(help)]);
    return matching([...options, ["--help", "help"]], partial);
  }
  const typed = positionals(described, rest);
  if (described.words !== undefined) return typed.length === 0 ? matching(described.words, partial) : [];
  return offered(described.completes ?? [], partial, rest, typed);
}

type Word = readonly [word: string, help: string];

/** The subcommand that some words begin with, and those behind it. */
function describe([first, second, ...more]: string[]): { described: Subcommand; rest: string[] } | undefined {
  const nested = SUBCOMMANDS.find(({ name }) => name === `${first} ${second}`);
  if (nested) return { described: nested, rest: more };
  const described = SUBCOMMANDS.find(({ name }) => name === first);
  return described && { described, rest: second === undefined ? [] : [second, ...more] };
}

/** The words that are neither options nor their values. */
function positionals({ options }: Subcommand, rest: string[]): string[] {
  const takes = (word: string | undefined): boolean => options.some(({ name, value }) => value !== undefined && word === `--${name}`);
  return rest.filter((word, i) => !word.startsWith("-") && !takes(rest[i - 1]));
}

async function offered(completes: Completes, partial: string, rest: string[], typed: string[] = []): Promise<string[]> {
  if (completes === "file") return [FILE];
  if (completes !== "command") return matching(completes.map((word): Word => [word, ""]), partial);
  const path = rest.includes("--socket") ? rest[rest.indexOf("--socket") + 1]! : defaultSocketPath();
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), PATIENCE).unref());
  const choices = await Promise.race([remoteChoices(path, [...typed, partial].join(" ")), late]);
  if (choices === null) return [];
  const words = matching(choices.words.filter(([word]) => word !== "--json"), partial);
  return choices.file ? [...words, FILE] : words;
}

function matching(words: readonly Word[], partial: string): string[] {
  return words.filter(([word]) => word.startsWith(partial)).map(([word, help]) => (help === "" ? word : `${word}\t${help}`));
}

function firstLine(text: string): string {
  return text.split("\n")[0]!.replace(/:$/, "");
}
