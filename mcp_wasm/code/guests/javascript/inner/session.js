// In a session the same declaration may come again: `const`, `let` and `class` at the top level become `var`.
import { closes, opens, parsed, tt } from "./parse.js";

export function declareAnew(text) {
  const tokens = parsed(text);
  if (tokens === undefined) return text;
  const edits = [];
  let depth = 0, classEnd = -1;
  tokens.forEach((token, i) => {
    if (closes(token)) {
      depth--;
      if (depth === 0 && i === classEnd) edits.push([token.end, token.end, ";"]);
    }
    if (depth === 0 && !inHead(tokens, i)) {
      if (token.type === tt._const || token.type === tt._let) {
        edits.push([token.start, token.end, "var".padEnd(token.end - token.start)]);
      } else if (token.type === tt._class && beginsStatement(text, tokens, i)) {
        const name = tokens[i + 1];
        edits.push([token.start, token.start, `var ${text.slice(name.start, name.end)} = `]);
        classEnd = blockEnd(tokens, i);
      }
    }
    if (opens(token)) depth++;
  });
  return edited(text, edits);
}

const inHead = (tokens, i) => tokens[i - 1]?.type === tt.parenL;

/** A class is declared where a statement may begin, and has a name. */
function beginsStatement(text, tokens, i) {
  const before = tokens[i - 1], name = tokens[i + 1];
  if (name?.type !== tt.name) return false;
  if (before === undefined || before.type === tt.semi || before.type === tt.braceR) return true;
  return text.slice(before.end, tokens[i].start).includes("\n") && !/[=(,?:&|+]$|return$|extends$/.test(text.slice(0, before.end));
}

function blockEnd(tokens, from) {
  let depth = 0, i = from;
  while (i < tokens.length && tokens[i].type !== tt.braceL) {
    // What a class extends may be an expression with brackets of its own.
    if (opens(tokens[i])) depth++;
    if (closes(tokens[i])) depth--;
    i++;
  }
  for (; i < tokens.length; i++) {
    if (opens(tokens[i])) depth++;
    else if (closes(tokens[i]) && --depth === 0) return i;
  }
  return -1;
}

/** `text` with `edits` ([start, end, text], in order) made. */
export function edited(text, edits) {
  let made = "", at = 0;
  for (const [start, end, replacement] of edits) {
    made += text.slice(at, start) + replacement;
    at = end;
  }
  return made + text.slice(at);
}
