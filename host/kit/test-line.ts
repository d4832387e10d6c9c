// The words of a line of a test file, one after the other, with messages that name file and line.

import { WeftError } from "../errors.js";

export interface Word {
  text: string;
  /** where it begins in the line */
  at: number;
}

export class TestLine {
  private readonly words: Word[];
  private place = 0;

  /** `where`: file and line */
  constructor(private readonly line: string, private readonly where: string) {
    this.words = [...line.matchAll(/\S+/g)].map((match) => ({ text: match[0], at: match.index }));
  }

  bad(what: string): WeftError {
    return new WeftError("BAD_ARGUMENT", `${this.where}: ${what}`);
  }

  /** The next word, still to be taken. */
  peek(): string | undefined {
    return this.words[this.place]?.text;
  }

  /** Whether there is another word, and it begins no comment. */
  more(): boolean {
    return this.peek() !== undefined && !this.peek()!.startsWith("#");
  }

  next(expected: string): Word {
    if (!this.more()) throw this.bad(`the line ends where ${expected} is expected`);
    return this.words[this.place++]!;
  }

  oneOf(what: string, known: string[]): string {
    const { text } = this.next(`one of ${known.join(", ")}`);
    if (!known.includes(text)) throw this.bad(`unknown ${what} ${JSON.stringify(text)}: expected one of ${known.join(", ")}`);
    return text;
  }

  matching(expected: string, pattern: RegExp): string {
    const { text } = this.next(expected);
    if (!pattern.test(text)) throw this.bad(`${JSON.stringify(text)} is not ${expected}`);
    return text;
  }

  number(expected: string, most: number): number {
    const text = this.matching(expected, /^(\d+|0x[0-9a-f]+)$/i);
    if (Number(text) > most) throw this.bad(`${text} is more than ${most}, the most that ${expected} can be`);
    return Number(text);
  }

  decimal(expected: string): number {
    return Number(this.matching(expected, /^\d{1,9}(\.\d{1,9})?$/));
  }

  /** The rest of the line as JSON. */
  json(): unknown {
    const text = this.line.slice(this.words[this.place]?.at ?? this.line.length);
    this.place = this.words.length;
    try {
      return JSON.parse(text) as unknown;
    } catch (cause) {
      throw this.bad(`not JSON: ${(cause as Error).message}`);
    }
  }

  rest(): Word[] {
    return this.words.slice(this.place, (this.place = this.words.length));
  }

  end(): void {
    if (this.more()) throw this.bad(`${JSON.stringify(this.peek())} is one word too many`);
  }
}
