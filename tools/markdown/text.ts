// HTML to plain text.

import { convert, type Format } from "./convert.ts";
import { columns } from "./table.ts";

export type LinkStyle = "none" | "inline" | "references";

export interface TextOptions {
  width: number | null;
  links: LinkStyle | null;
}

const NARROWEST = 10;

export function htmlToText(html: string, options: TextOptions | null): string {
  const width = options?.width ?? Infinity;
  if (width < NARROWEST) throw `width is ${width}; it must be at least ${NARROWEST}`;
  return convert(html, plain(width, options?.links ?? "inline"));
}

function plain(width: number, style: LinkStyle): Format {
  // Addresses in the order of their numbers.
  const addresses = new Map<string, number>();
  function number(address: string): number {
    if (!addresses.has(address)) addresses.set(address, addresses.size + 1);
    return addresses.get(address)!;
  }
  function after(address: string, text: string): string {
    if (style === "none" || address.startsWith("#") || same(address, text)) return "";
    return style === "inline" ? ` (${address})` : ` [${number(address)}]`;
  }
  return {
    width,
    lineBreak: "",
    rule: "-".repeat(Math.min(width, 20)),
    startLine: (line) => line,
    escape: plainSpaces,
    marks: (name) => (name === "q" ? '"' : undefined),
    heading: () => "",
    link: (address) => ({ open: "", close: (text) => after(address, text) }),
    image: (alt) => (alt.trim() ? `[${alt.trim()}]` : ""),
    code: (text) => text,
    preformatted: (text) => text,
    table: columns,
    end: () => [...addresses].map(([address, at]) => `[${at}] ${address}`).join("\n"),
  };
}

/** Without soft hyphens, and with plain spaces for the ones that do not break. */
export function plainSpaces(text: string): string {
  return text.replaceAll("\u00ad", "").replaceAll("\u00a0", " ");
}

/** Whether the text says the address already. */
function same(address: string, text: string): boolean {
  const bare = (url: string) => url.replace(/^(?:mailto:|tel:|https?:\/\/)/i, "").replace(/\/$/, "");
  return bare(address) === bare(text);
}
