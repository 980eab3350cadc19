// Reads HTML in one pass and tells a target what a reader would see. Nothing here recurses: however deep a
// page is nested, it takes the same stack.

import { Parser } from "htmlparser2";

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

export function read(html: string, target: Target): void {
  // How deep we are inside of something that is not shown; 0 is outside.
  let unseen = 0;
  const parser = new Parser({
    onopentag(name, attributes) {
      if (unseen || hidden(name, attributes)) unseen++;
      else target.open(name, attributes);
    },
    onclosetag(name) {
      if (unseen) unseen--;
      else target.close(name);
    },
    ontext(text) {
      if (!unseen) target.text(text);
    },
  });
  parser.end(html);
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
