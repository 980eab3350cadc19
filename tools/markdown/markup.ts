// HTML to Markdown.

import { convert, type Format } from "./convert.ts";
import { pipes } from "./table.ts";
import { plainSpaces } from "./text.ts";

const MARKS: Readonly<Record<string, string>> = {
  b: "**", strong: "**", em: "*", i: "*", cite: "*", dfn: "*", del: "~~", s: "~~", strike: "~~", q: '"',
};

const FORMAT: Format = {
  width: Infinity,
  lineBreak: "\\",
  rule: "---",
  startLine,
  escape,
  marks: (name) => (Object.hasOwn(MARKS, name) ? MARKS[name] : undefined),
  heading: (level) => `${"#".repeat(level)} `,
  link: (address) => ({ open: "[", close: () => `](${address})` }),
  image,
  code,
  preformatted,
  table: pipes,
  end: () => "",
};

export function htmlToMarkdown(html: string): string {
  return convert(html, FORMAT);
}

const SPECIAL = ["\\", "`", "*", "[", "]", "<", "&", "~~", "_", "!"];

/** A text in which nothing is markup. An underscore within a word is none anyway, and names are full of them. */
function escape(text: string): string {
  const plain = plainSpaces(text);
  // Looked for first, since a replacement is slow.
  if (!SPECIAL.some((mark) => plain.includes(mark))) return plain;
  return plain.replace(/[\\`*[\]<]|&(?=#?\w+;)|~(?=~)|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|!$/gu, "\\$&");
}

/** The line, changed where its beginning would make a heading, a list, a quote or a rule of it. */
function startLine(line: string): string {
  return line
    .replace(/^(?:#{1,6}(?= |$)|[-+](?= |$)|>|=+$|-{2,}$|~{3,})/, "\\$&")
    .replace(/^(\d{1,9})([.)])(?= |$)/, "$1\\$2");
}

function image(alt: string, address: string | undefined): string {
  const text = escape(alt.replace(/\s+/g, " ").trim());
  if (!text) return "";
  return address ? `![${text}](${address})` : text;
}

/** In as many backticks as do not stand in the text. */
function code(text: string): string {
  const fence = "`".repeat(longestRun(text) + 1);
  const pad = /^`|`$/.test(text) ? " " : "";
  return `${fence}${pad}${text}${pad}${fence}`;
}

function preformatted(text: string, language: string): string {
  const fence = "`".repeat(Math.max(3, longestRun(text) + 1));
  return `${fence}${language}\n${text}\n${fence}`;
}

function longestRun(text: string): number {
  let most = 0;
  for (const run of text.match(/`+/g) ?? []) most = Math.max(most, run.length);
  return most;
}
