// Reads HTML in one pass and tells a target what a reader would see. Nothing here recurses: however deep a
// page is nested, it takes the same stack.

import { decodeHTML, decodeHTMLAttribute } from "entities/decode";
import { Parser, Tokenizer } from "htmlparser2";

export type Attributes = Readonly<Record<string, string>>;

export interface Target {
  open(name: string, attributes: Attributes): void;
  close(name: string): void;
  text(text: string): void;
}

const UNSEEN = new Set([
  "audio", "canvas", "datalist", "embed", "frame", "head", "iframe", "link", "map", "math", "meta", "noscript",
  "object", "script", "style", "svg", "template", "title", "video",
]);

/** Finds the next character of a kind by the engine's own search: a loop over text costs fifty times as much. */
class Scanner extends Tokenizer {}

// The method is private there, so a type checker is told nothing of it; the lock pins the version it was written for.
Object.assign(Scanner.prototype, {
  fastForwardTo(this: { index: number; offset: number; buffer: string }, code: number): boolean {
    const found = this.buffer.indexOf(String.fromCharCode(code), this.index + 1 - this.offset);
    this.index = (found < 0 ? this.buffer.length - 1 : found) + this.offset;
    return found >= 0;
  },
});

export function read(html: string, target: Target): void {
  // How deep we are inside of something that is not shown; 0 is outside.
  let unseen = 0;
  const handler = {
    onopentag(name: string, attributes: Attributes) {
      if (unseen || hidden(name, attributes)) unseen++;
      else target.open(name, decoded(attributes));
    },
    onclosetag(name: string) {
      if (unseen) unseen--;
      else target.close(name);
    },
    ontext(text: string) {
      if (!unseen) target.text(text.includes("&") ? decodeHTML(text) : text);
    },
  };
  // Entities are decoded above: only then does the tokenizer skip ahead.
  const parser = new Parser(handler, { decodeEntities: false, Tokenizer: Scanner });
  parser.end(html);
}

function decoded(attributes: Attributes): Attributes {
  for (const name in attributes) {
    if (!attributes[name].includes("&")) continue;
    const entries = Object.entries(attributes).map(([key, value]) => [key, decodeHTMLAttribute(value)]);
    return Object.fromEntries(entries);
  }
  return attributes;
}

function hidden(name: string, attributes: Attributes): boolean {
  if (UNSEEN.has(name) || "hidden" in attributes || attributes["aria-hidden"] === "true") return true;
  if (name === "input") return attributes.type === "hidden";
  return "style" in attributes && /(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*hidden)\b/i.test(attributes.style);
}

/** Elements that begin on a line of their own, with the blank lines around them. */
const GAPS: Readonly<Record<string, number>> = {
  address: 0, article: 1, aside: 1, blockquote: 1, body: 0, caption: 1, center: 0, dd: 0, details: 1, dialog: 1, div: 0, dl: 1,
  dt: 0, fieldset: 1, figcaption: 0, figure: 1, footer: 1, form: 1, h1: 1, h2: 1, h3: 1, h4: 1, h5: 1, h6: 1,
  header: 1, hgroup: 1, hr: 1, html: 0, legend: 0, li: 0, main: 1, menu: 1, nav: 1, ol: 1, optgroup: 0, option: 0,
  p: 1, pre: 1, search: 0, section: 1, summary: 0, table: 1, ul: 1,
};

/** The blank lines around a block, or undefined for what stands within a line. */
export function gapOf(name: string): number | undefined {
  return Object.hasOwn(GAPS, name) ? GAPS[name] : undefined;
}

/** An address as a link may have it, or undefined: scripts and data are nowhere to go. */
export function address(href: string | undefined): string | undefined {
  // As browsers do before they look at the scheme: no tabs and line ends at all, no controls and spaces in front.
  const plain = (href ?? "").replace(/[\t\n\r]/g, "").replace(/^[\0-\x20]+/, "").trimEnd();
  if (!plain || /^(?:javascript|vbscript|data):/i.test(plain)) return undefined;
  return plain.replace(/[\0-\x20<>()\\]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}
