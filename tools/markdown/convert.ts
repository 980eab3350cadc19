// From a page to lines: blocks, lists, emphasis, links and tables, spelled by a format.

import { type Attributes, type Target, address, gapOf, read } from "./page.ts";
import type { Cells } from "./table.ts";
import { Writer } from "./writer.ts";

/** What plain text and Markdown do differently. */
export interface Format {
  readonly width: number;
  readonly lineBreak: string;
  readonly rule: string;
  startLine(line: string): string;
  escape(text: string): string;
  /** What stands before and after the text of an element, or undefined for nothing. */
  marks(name: string): string | undefined;
  heading(level: number): string;
  link(address: string): { open: string; close(text: string): string };
  image(alt: string, address: string | undefined): string;
  code(text: string): string;
  preformatted(text: string, language: string): string;
  table(cells: Cells): string;
  /** What comes after the whole page. */
  end(): string;
}

/** Marks around text that are written once there is text, and again in each block that they go on in. */
interface Mark {
  element: string;
  open: string;
  close: (text: string) => string;
  written: boolean;
  text: string;
}

interface Table {
  outer: Writer;
  cells: Cells;
  /** Tables inside of this one; their cells are text of ours. */
  nested: number;
  inCell: boolean;
  /** How many columns the present cell takes. */
  span: number;
}

/** Marks further in than this are not written. */
const MOST_MARKS = 20;

export function convert(html: string, format: Format): string {
  const converter = new Converter(format);
  read(html, converter);
  return converter.result();
}

class Converter implements Target {
  private writer: Writer;
  private readonly marks: Mark[] = [];
  private readonly lists: { ordered: boolean; number: number }[] = [];
  private table: Table | undefined;
  /** Text of a code or pre element that is collected, and how many of its own kind it holds. */
  private raw: { name: string; depth: number; text: string; language: string } | undefined;
  private inHeading = 0;

  constructor(private readonly format: Format) {
    this.writer = new Writer(format.width, (line) => format.startLine(line));
  }

  result(): string {
    const body = this.writer.result();
    const end = this.format.end();
    return body && end ? `${body}\n\n${end}` : body;
  }

  text(text: string): void {
    if (this.raw) {
      this.raw.text += text;
      return;
    }
    const words = text.trimStart();
    if (words.length < text.length) this.writer.text(" ");
    if (!words) return;
    this.openMarks();
    for (const mark of this.marks.slice(0, MOST_MARKS)) if (mark.text.length < 2000) mark.text += text;
    this.writer.text(this.format.escape(words));
  }

  open(name: string, attributes: Attributes): void {
    if (this.raw) {
      if (name === "br") this.raw.text += "\n";
      if (name === this.raw.name) this.raw.depth++;
      else if (name === "code") this.raw.language ||= language(attributes);
      return;
    }
    if (this.openCell(name, attributes)) return;
    const gap = gapOf(name);
    if (gap !== undefined) this.block(this.inner(name) ? 0 : gap);
    if (/^h[1-6]$/.test(name)) this.openHeading(Number(name[1]));
    else if (name === "ul" || name === "menu") this.lists.push({ ordered: false, number: 1 });
    else if (name === "ol") this.lists.push({ ordered: true, number: integer(attributes.start, 1) });
    else if (name === "li") this.openItem();
    else if (name === "blockquote") this.writer.indent("> ", "> ");
    else if (name === "dd") this.writer.indent("  ", "  ");
    else if (name === "pre" || name === "code") this.raw = { name, depth: 1, text: "", language: language(attributes) };
    else if (name === "br") this.lineBreak();
    else if (name === "hr") this.writer.lines(this.format.rule);
    else if (name === "img") this.piece(this.format.image(attributes.alt ?? "", address(attributes.src)));
    else if (name === "input" && attributes.type === "checkbox") this.openBox("checked" in attributes);
    else if (name === "a") this.openLink(address(attributes.href));
    else this.openMark(name);
  }

  close(name: string): void {
    if (this.raw) {
      if (name === this.raw.name && --this.raw.depth === 0) this.closeRaw();
      return;
    }
    if (this.closeCell(name)) return;
    const gap = gapOf(name);
    if (gap === undefined) {
      if (this.marks.at(-1)?.element === name) this.closeMark(this.marks.pop()!);
      return;
    }
    this.block(0);
    if (/^h[1-6]$/.test(name)) this.inHeading--;
    if (name === "ul" || name === "ol" || name === "menu") this.lists.pop();
    if (/^(?:h[1-6]|li|blockquote|dd)$/.test(name)) this.writer.outdent();
    this.block(this.inner(name) ? 0 : gap);
  }

  /** Whether the element is a list within a list: no blank line sets it apart. */
  private inner(name: string): boolean {
    return /^(?:ul|ol|menu)$/.test(name) && this.lists.length > 0;
  }

  private block(gap: number): void {
    for (const mark of this.marks.slice(0, MOST_MARKS).reverse()) this.closeMark(mark);
    this.writer.endBlock(gap);
  }

  private openHeading(level: number): void {
    this.inHeading++;
    this.writer.indent(this.format.heading(level), "");
  }

  private openItem(): void {
    const list = this.lists.at(-1);
    const first = list?.ordered ? `${list.number++}. ` : "- ";
    this.writer.indent(first, " ".repeat(first.length));
  }

  private lineBreak(): void {
    if (this.inHeading || this.table) this.writer.text(" ");
    else this.writer.lineBreak(this.format.lineBreak);
  }

  private openBox(checked: boolean): void {
    this.piece(checked ? "[x]" : "[ ]");
    this.writer.text(" ");
  }

  private piece(piece: string): void {
    if (!piece) return;
    this.openMarks();
    this.writer.piece(piece);
  }

  private openLink(to: string | undefined): void {
    const { open, close } = to === undefined ? { open: "", close: () => "" } : this.format.link(to);
    this.marks.push({ element: "a", open, close, written: false, text: "" });
  }

  private openMark(name: string): void {
    const around = this.format.marks(name);
    if (around) this.marks.push({ element: name, open: around, close: () => around, written: false, text: "" });
  }

  private openMarks(): void {
    for (const mark of this.marks.slice(0, MOST_MARKS)) {
      if (mark.written) continue;
      mark.written = true;
      if (mark.open) this.writer.piece(mark.open);
    }
  }

  private closeMark(mark: Mark): void {
    if (mark.written) this.writer.attach(mark.close(mark.text.trim()));
    mark.written = false;
    mark.text = "";
  }

  private closeRaw(): void {
    const { name, text, language: named } = this.raw!;
    this.raw = undefined;
    if (name === "code") {
      this.piece(text.trim() && this.format.code(text.replace(/\s+/g, " ").trim()));
      return;
    }
    this.block(0);
    if (text.trim()) this.writer.lines(this.format.preformatted(text.replace(/^\n/, "").trimEnd(), named));
    this.block(1);
  }

  /** Whether the element is part of a table, which is then done with. */
  private openCell(name: string, attributes: Attributes): boolean {
    if (name === "table") {
      if (this.table) {
        this.table.nested++;
        this.writer.text(" ");
        return true;
      }
      this.block(1);
      this.table = { outer: this.writer, cells: [], nested: 0, inCell: false, span: 1 };
      return true;
    }
    if (!/^(?:t[rdh]|thead|tbody|tfoot|colgroup|col)$/.test(name)) return false;
    const table = this.table;
    if (!table || table.nested) this.writer.text(" ");
    else if (name === "tr") table.cells.push([]);
    else if (name === "td" || name === "th") {
      if (!table.cells.length) table.cells.push([]);
      this.block(0);
      table.inCell = true;
      table.span = Math.min(integer(attributes.colspan, 1), 50);
      this.writer = new Writer(Infinity);
    }
    return true;
  }

  private closeCell(name: string): boolean {
    const table = this.table;
    if (name === "table" && table) {
      if (table.nested) table.nested--;
      else this.closeTable(table);
      return true;
    }
    if (!/^(?:t[rdh]|thead|tbody|tfoot|colgroup|col)$/.test(name)) return name === "table";
    if (table && !table.nested && table.inCell && (name === "td" || name === "th")) this.endCell(table);
    return true;
  }

  private endCell(table: Table): void {
    this.block(0);
    const lines = this.writer.result().split("\n");
    table.cells.at(-1)!.push(lines.map((line) => line.trim()).join(" ").trim());
    for (let more = table.span; more > 1; more--) table.cells.at(-1)!.push("");
    table.inCell = false;
    this.writer = table.outer;
  }

  private closeTable(table: Table): void {
    this.table = undefined;
    this.block(0);
    const cells = table.cells.filter((row) => row.some((cell) => cell));
    if (cells.length) this.writer.lines(this.format.table(cells));
    this.block(1);
  }
}

/** The language of a code block, from a class as highlighters use it. */
function language(attributes: Attributes): string {
  return /(?:^|\s)(?:lang|language|highlight-source)-([\w+#.-]{1,30})/.exec(attributes.class ?? "")?.[1] ?? "";
}

function integer(text: string | undefined, otherwise: number): number {
  const number = Number.parseInt(text ?? "", 10);
  return number >= 0 && number < 1e9 ? number : otherwise;
}
