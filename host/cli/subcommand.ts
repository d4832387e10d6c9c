// What there is to know of a subcommand of weft.

/** What may stand somewhere: words of a fixed set, a file's name, a router's command. */
export type Completes = readonly string[] | "file" | "command";

export interface Option {
  name: string;
  /** what its value is called; undefined: it takes none */
  value?: string;
  completes?: Completes;
  /** lines */
  help: string;
}

export interface Subcommand {
  /** "run", "node build" */
  name: string;
  /** what follows the name */
  synopsis: string;
  /** one line */
  summary: string;
  /** lines */
  about: string;
  /** words that may follow, each with its meaning */
  words?: readonly (readonly [word: string, help: string])[];
  /** what its arguments may be, where `words` does not say it */
  completes?: Completes;
  options: readonly Option[];
  /** lines that follow the options */
  notes?: string;
  examples: readonly string[];
}
