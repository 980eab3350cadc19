// `import` and `export` declarations of a program that is run as a script, so that its last value and its
// variables can be had. Imports stay where they stand; a missing name is found before anything runs.
import { exportsOf, isBuiltIn } from "./modules.js";
import { moduleHint } from "./hints.js";
import { closes, opens, parsed, tt } from "./parse.js";
import { Refused, nearest, placeAt } from "./refused.js";
import { edited } from "./session.js";
import { askFor } from "./tools.js";

/** `{text, exports}`, exported names with the local ones; undefined if there is no such declaration. */
export function rewriteModule(text, keep, position) {
  const tokens = parsed(text);
  if (tokens === undefined) return undefined;
  const state = { text, tokens, edits: [], exports: new Map(), word: keep ? "var" : "const", position };
  let depth = 0, some = false;
  for (let i = 0; i < tokens.length; i++) {
    const { type } = tokens[i];
    if (closes(tokens[i])) depth--;
    if (depth === 0 && type === tt._import && !isExpression(tokens, i)) {
      some = true;
      i = importAt(state, i);
      continue;
    }
    if (depth === 0 && type === tt._export) {
      some = true;
      i = exportAt(state, i);
      continue;
    }
    if (opens(tokens[i])) depth++;
  }
  return some ? { text: edited(text, state.edits), exports: state.exports } : undefined;
}

const isExpression = (tokens, i) => tokens[i + 1]?.type === tt.parenL || tokens[i + 1]?.type === tt.dot;
const textAt = (state, i) => state.text.slice(state.tokens[i].start, state.tokens[i].end);

function importAt(state, begin) {
  const { tokens } = state;
  let i = begin + 1, whole, first;
  const pairs = [];
  if (tokens[i].type === tt.name) {
    first = textAt(state, i++);
    if (tokens[i].type === tt.comma) i++;
  }
  if (tokens[i].type === tt.star) {
    whole = textAt(state, i + 2);
    i += 3;
  } else if (tokens[i].type === tt.braceL) {
    i = specifiers(state, i, pairs);
  }
  if (tokens[i].type === tt.name && textAt(state, i) === "from") i++;
  const name = textAt(state, i);
  check(state, unquoted(name), pairs, begin);
  let last = i;
  if (tokens[i + 1] !== undefined && /^(?:with|assert)$/.test(textAt(state, i + 1)) && tokens[i + 2]?.type === tt.braceL) {
    last = specifiers(state, i + 2, []) - 1;
  }
  if (tokens[last + 1]?.type === tt.semi) last++;
  if (first !== undefined) pairs.unshift(["default", first]);
  replace(state, begin, last, importText(state.word, name, whole, pairs));
  return last;
}

function importText(word, name, whole, pairs) {
  // A namespace has no way to tell of a name that is not in it, which the tools themselves do.
  const from = unquoted(name) === "tools" ? "require(\"tools\")" : `await import(${name})`;
  const parts = pairs.map(([outer, local]) => `${outer}: ${local}`).join(", ");
  if (whole !== undefined) return `${word} ${whole} = ${from}${parts ? `, {${parts}} = ${whole}` : ""};`;
  return parts ? `${word} {${parts}} = ${from};` : `${from};`;
}

const unquoted = (literal) => literal.slice(1, -1);

/** Reads `{a, b as c}` from the brace at `i` into `pairs`; returns the index after it. */
function specifiers(state, i, pairs) {
  const { tokens } = state;
  for (i++; tokens[i].type !== tt.braceR; i++) {
    if (tokens[i].type === tt.comma || tokens[i].type === tt.colon) continue;
    const outer = textAt(state, i);
    if (textAt(state, i + 1) === "as") i += 2;
    pairs.push([outer, textAt(state, i), tokens[i].start]);
  }
  return i + 1;
}

function exportAt(state, begin) {
  const { tokens } = state, next = tokens[begin + 1];
  if (next.type === tt.braceL) {
    const pairs = [];
    let last = specifiers(state, begin + 1, pairs) - 1;
    if (tokens[last + 1] !== undefined && textAt(state, last + 1) === "from") last += 2;
    else for (const [local, outer] of pairs) state.exports.set(outer, local);
    if (tokens[last + 1]?.type === tt.semi) last++;
    replace(state, begin, last, ";");
    return last;
  }
  if (next.type === tt.star) {
    const [line, column] = state.position(...placeAt(state.text, tokens[begin].start));
    throw new Refused("SyntaxError", "`export *` has no effect here", line, column, "Write the code in one piece.");
  }
  if (next.type !== tt._default) {
    replace(state, begin, begin, " ".repeat(6));
    return begin;
  }
  let named = begin + 2;
  while (tokens[named] !== undefined && /^(?:async|function|class|\*)$/.test(textAt(state, named))) named++;
  if (named > begin + 2 && tokens[named]?.type === tt.name && textAt(state, named) !== "extends") {
    state.exports.set("default", textAt(state, named));
    replace(state, begin, begin + 1, "");
  } else {
    state.exports.set("default", "$default");
    replace(state, begin, begin + 1, "var $default =");
  }
  return begin + 1;
}

/** Replace the tokens from `first` to `last`, with as many characters and lines where that can be. */
function replace(state, first, last, replacement) {
  const start = state.tokens[first].start, { end } = state.tokens[last];
  const lines = state.text.slice(start, end).split("\n").length - 1;
  const width = lines ? 0 : end - start;
  state.edits.push([start, end, replacement.padEnd(width) + "\n".repeat(lines)]);
}

function toolsHint(names) {
  const granted = names.filter((name) => name !== "default" && name !== "ToolError");
  const ask = "a person grants tools to code: mcp-wasm grants add code tools names=NAME.";
  return granted.length ? `Granted are ${granted.slice(0, 40).join(", ")}; ${ask}` : `No tool was granted; ${ask}`;
}

/** Names that a built-in module does not have are told with their place. */
function check(state, module, pairs, begin) {
  if (!isBuiltIn(module)) {
    if (/^\.{0,2}\//.test(module)) return;
    const [line, column] = state.position(...placeAt(state.text, state.tokens[begin].start));
    throw new Refused("Error", `Cannot find module '${module}'`, line, column, moduleHint(module));
  }
  const names = Object.keys(exportsOf(module));
  for (const [outer, , start] of pairs) {
    if (names.includes(outer)) continue;
    const [line, column] = state.position(...placeAt(state.text, start ?? state.tokens[begin].start));
    if (module === "tools") askFor(outer);
    const near = nearest(outer, names);
    const hint = module === "tools" ? toolsHint(names)
      : near.length ? `Did you mean ${near.join(" or ")}?` : `It has: ${names.slice(0, 40).join(", ")}.`;
    throw new Refused("SyntaxError", `the module "${module}" has no export "${outer}"`, line, column, hint);
  }
}
