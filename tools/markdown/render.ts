// Markdown to HTML and to its table of contents, by markdown-it.

import MarkdownIt from "markdown-it";

import { htmlToText } from "./text.ts";

export type RawHtml = "escape" | "drop" | "keep";

export interface HtmlOptions {
  rawHtml: RawHtml | null;
  breaks: boolean | null;
  linkify: boolean | null;
  headingIds: boolean | null;
}

export interface Heading {
  level: number;
  text: string;
  id: string;
  line: number;
}

type Renderer = InstanceType<typeof MarkdownIt>;
type Token = ReturnType<Renderer["parse"]>[number];

// Two parsers and no more: a parser takes far longer to make than a short text to render.
const escaping = parser(false);
const passing = parser(true);

function parser(html: boolean): Renderer {
  const made = new MarkdownIt({ html });
  made.core.ruler.after("inline", "task-lists", (state) => markTasks(state.tokens));
  made.renderer.rules.html_inline = (tokens, index, _options, env) => (env?.drop ? "" : tokens[index].content);
  made.renderer.rules.html_block = (tokens, index, _options, env) =>
    env?.drop ? paragraph(made, tokens[index].content) : tokens[index].content;
  return made;
}

/** The text of a block of HTML, without a tag in it. */
function paragraph(made: Renderer, html: string): string {
  const text = htmlToText(html, { width: null, links: "none" });
  return text && `<p>${made.utils.escapeHtml(text)}</p>\n`;
}

const TASK = /^\[([ xX])\][ \t]/;

/** Turns the "[x] " that begins an item of a list into a box, as GitHub does. */
function markTasks(tokens: Token[]): void {
  for (let i = 2; i < tokens.length; i++) {
    const first = tokens[i].type === "inline" && tokens[i].children?.[0];
    if (!first || tokens[i - 1].type !== "paragraph_open" || tokens[i - 2].type !== "list_item_open") continue;
    const mark = TASK.exec(first.content);
    if (first.type !== "text" || !mark) continue;
    tokens[i - 2].attrJoin("class", "task-list-item");
    // A token type of its own: a rule that renders it, not the person's text, writes the tag.
    first.content = first.content.slice(mark[0].length);
    tokens[i].children!.unshift(Object.assign(Object.create(Object.getPrototypeOf(first)), first, {
      type: mark[1] === " " ? "task_open" : "task_done",
      content: "",
    }));
  }
}

for (const made of [escaping, passing]) {
  made.renderer.rules.task_open = () => '<input type="checkbox" disabled> ';
  made.renderer.rules.task_done = () => '<input type="checkbox" checked disabled> ';
}

export function toHtml(markdown: string, options: HtmlOptions | null): string {
  const raw = options?.rawHtml ?? "escape";
  const made = raw === "escape" ? escaping : passing;
  made.set({ breaks: options?.breaks ?? false, linkify: options?.linkify ?? true });
  const env = { drop: raw === "drop" };
  const tokens = made.parse(markdown, env);
  if (options?.headingIds) for (const { open, id } of named(tokens)) open.attrSet("id", id);
  return made.renderer.render(tokens, made.options, env);
}

export function headings(markdown: string): Heading[] {
  passing.set({ breaks: false, linkify: false });
  return named(passing.parse(markdown, {})).map(({ open, text, id }) => ({
    level: Number(open.tag.slice(1)),
    text,
    id,
    line: (open.map?.[0] ?? 0) + 1,
  }));
}

/** The headings of a document with their ids, which are all different. */
function named(tokens: Token[]): { open: Token; text: string; id: string }[] {
  const uses = new Map<string, number>();
  const taken = new Set<string>();
  const found = [];
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i].type !== "heading_open") continue;
    const text = plain(tokens[i + 1].children ?? []);
    const stem = slug(text);
    let number = uses.get(stem) ?? 0;
    let id = number ? `${stem}-${number}` : stem;
    while (taken.has(id)) id = `${stem}-${++number}`;
    uses.set(stem, number + 1);
    taken.add(id);
    found.push({ open: tokens[i], text, id });
  }
  return found;
}

function plain(tokens: Token[]): string {
  const parts = tokens.map((token) => {
    if (token.type === "image") return plain(token.children ?? []);
    if (token.type === "softbreak" || token.type === "hardbreak") return " ";
    return token.type === "text" || token.type === "code_inline" || token.type === "text_special" ? token.content : "";
  });
  return parts.join("").trim();
}

/** As GitHub makes ids of headings: lower case, no punctuation, hyphens for spaces. */
function slug(text: string): string {
  const kept = text.toLowerCase().replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "").replace(/ /g, "-");
  return kept || "section";
}
