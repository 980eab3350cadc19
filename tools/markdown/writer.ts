// Lines of text, written piece by piece: white space collapsed, lines broken, blocks set apart and indented.

/** What stands before the lines of a block: on its first line, and on the others. */
interface Prefix {
  first: string;
  rest: string;
  begun: boolean;
}

/** Deeper blocks are not indented any more: each line would grow with the depth. */
const DEEPEST = 40;

export class Writer {
  private readonly out: string[] = [];
  private readonly prefixes: Prefix[] = [];
  private depth = 0;
  private pieces: string[] = [];
  private space = false;
  private gap = 0;

  /** `width` is the longest line in characters, or Infinity; `escape` is told where a line begins. */
  constructor(
    private readonly width: number,
    private readonly startLine: (line: string) => string = (line) => line,
  ) {}

  /** Text as it stands in HTML: runs of white space are one space. */
  text(text: string): void {
    const plain = collapsed(text);
    if (plain.startsWith(" ")) this.space = true;
    const words = plain.trim();
    if (!words) return;
    this.piece(words);
    this.space = plain.endsWith(" ");
  }

  /** A piece of a line; a space that was seen before it comes first. */
  piece(piece: string): void {
    if (this.space && this.pieces.length) this.pieces.push(" ");
    this.space = false;
    this.pieces.push(piece);
  }

  /** A piece that goes before a space that was seen, as what closes an emphasis does. */
  attach(piece: string): void {
    this.pieces.push(piece);
  }

  /** Whether something stands on the line that is being written. */
  get inLine(): boolean {
    return this.pieces.length > 0;
  }

  /** Ends the line; with `mark`, in a way that Markdown keeps. */
  lineBreak(mark = ""): void {
    if (!this.inLine) return;
    this.pieces.push(`${mark}\n`);
    this.space = false;
  }

  /** Ends the block; at least `gap` blank lines will come before the next one. */
  endBlock(gap: number): void {
    this.flush();
    this.gap = Math.max(this.gap, gap);
  }

  /** Lines that are written as they are. */
  lines(text: string): void {
    this.flush();
    for (const line of text.split("\n")) this.emit(line);
  }

  indent(first: string, rest: string): void {
    this.flush();
    if (++this.depth <= DEEPEST) this.prefixes.push({ first, rest, begun: false });
  }

  outdent(): void {
    this.flush();
    if (this.depth-- > DEEPEST) return;
    this.prefixes.pop();
  }

  result(): string {
    this.flush();
    return this.out.join("\n");
  }

  private flush(): void {
    if (!this.pieces.length) {
      this.space = false;
      return;
    }
    while (this.pieces.at(-1)?.endsWith("\n")) this.pieces.pop();
    const lines = this.pieces.join("").split("\n");
    this.pieces = [];
    this.space = false;
    for (const line of lines) for (const part of this.broken(line.trim())) this.emit(this.startLine(part));
  }

  private broken(line: string): string[] {
    if (this.width === Infinity) return [line];
    let room = this.width;
    for (const prefix of this.prefixes) room -= prefix.rest.length;
    return wrap(line, Math.max(room, 10));
  }

  private emit(line: string): void {
    if (this.out.length) {
      const before = this.prefixes.map((prefix) => (prefix.begun ? prefix.rest : "")).join("").trimEnd();
      for (; this.gap > 0; this.gap--) this.out.push(before);
    }
    this.gap = 0;
    let start = "";
    for (const prefix of this.prefixes) {
      start += prefix.begun ? prefix.rest : prefix.first;
      prefix.begun = true;
    }
    this.out.push((start + line).trimEnd());
  }
}

/** Line ends, tabs and runs of spaces as single spaces. Looked for first, since a replacement is slow. */
function collapsed(text: string): string {
  const rough = ["\n", "  ", "\t", "\r", "\f"].some((white) => text.includes(white));
  return rough ? text.replace(/[ \t\n\r\f]+/g, " ") : text;
}

/** The line in parts of at most `width` characters, broken at spaces where there are any. */
function wrap(line: string, width: number): string[] {
  const parts: string[] = [];
  let part = "";
  let length = 0;
  for (const word of line.split(" ")) {
    const size = characters(word);
    if (length && length + 1 + size > width) {
      parts.push(part);
      part = word;
      length = size;
    } else {
      part = length ? `${part} ${word}` : word;
      length += (length ? 1 : 0) + size;
    }
  }
  parts.push(part);
  return parts;
}

/** Code points: not the width on a screen, but closer to it than UTF-16 units. */
export function characters(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) !== 0xdc00) count++;
  return count;
}
