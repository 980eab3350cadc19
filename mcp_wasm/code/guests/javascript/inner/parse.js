// sucrase's tokens of a program, which tell strings, templates and regular expressions from code.
import { parse } from "sucrase/dist/esm/parser/index.js";
import { TokenType as tt } from "sucrase/dist/esm/parser/tokenizer/types.js";

export { tt };

/** The tokens of JavaScript, or undefined where it does not parse; the engine then says why, better. */
export function parsed(text) {
  try {
    return parse(text, false, false, false).tokens;
  } catch {
    return undefined;
  }
}

const OPENING = new Set([tt.braceL, tt.parenL, tt.bracketL, tt.dollarBraceL, tt.braceBarL]);
const CLOSING = new Set([tt.braceR, tt.parenR, tt.bracketR, tt.braceBarR]);

export const opens = (token) => OPENING.has(token.type);
export const closes = (token) => CLOSING.has(token.type);

/** The index of the token that opens what the one at `index` closes. */
export function openingOf(tokens, index) {
  let depth = 0;
  for (let i = index; i >= 0; i--) {
    if (closes(tokens[i])) depth++;
    else if (opens(tokens[i]) && --depth === 0) return i;
  }
  return -1;
}

const BEFORE_BLOCK = new Set([tt._else, tt._try, tt._finally, tt._do, tt.semi, tt.braceR, tt._catch]);
const BEFORE_HEAD = new Set([tt._if, tt._for, tt._while, tt._with, tt._switch, tt._catch]);

/** Whether the last statement of a program that ends with `}` is a loop, a branch or a block: it has no value. */
export function endsWithBlock(text) {
  const tokens = parsed(text);
  if (tokens === undefined) return false;
  let last = tokens.length - 1;
  while (last >= 0 && tokens[last].type !== tt.braceR) last--;
  const open = openingOf(tokens, last), before = tokens[open - 1];
  if (before === undefined || BEFORE_BLOCK.has(before.type)) return true;
  if (before.type !== tt.parenR) return false;
  const head = openingOf(tokens, open - 1), word = tokens[head - 1];
  if (word === undefined) return false;
  return BEFORE_HEAD.has(word.type) || (word.contextualKeyword !== 0 && tokens[head - 2]?.type === tt._for);
}
