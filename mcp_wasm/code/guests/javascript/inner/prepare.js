// What is done to submitted text before it is run as a script: types are taken off, imports become awaited
// dynamic imports, `export` goes, and in a session top-level declarations become ones that can be repeated.
// Every line stays the line it was.
import { endsWithBlock, parsed } from "./parse.js";
import { rewriteModule } from "./rewrite.js";
import { strip } from "./typescript.js";
import { declareAnew } from "./session.js";

const MODULE = /\b(?:import|export)\b/;
const MAIN = /\bfunction\s*\*?\s*main\s*\(|(?:\b(?:const|let|var)\s+|^\s*)main\s*=(?![=>])/m;
const CALLED = /(?<!function\s*\*?\s*|[.\w$])main\s*\(/;
const RESULT = /(?<![.\w$])result\s*(?:[-+*/%&|?]{1,3}|)=(?![=>])|\b(?:const|let|var)\s+[[{][^=]*\bresult\b/;
const COMMENTS = /\/\/[^\n]*|\/\*[^]*?\*\//g;

/** What to run of `source` ({text, typescript, keep, completes}), and what is known of it. */
export function prepare(source) {
  let { text } = source, position = (line, column) => [line, column], strict = false;
  const exports = new Map();
  if (source.typescript) ({ text, position } = strip(text));
  if (MODULE.test(text)) {
    const found = rewriteModule(text, source.keep, position);
    if (found !== undefined) {
      strict = true;
      text = found.text;
      found.exports.forEach((local, name) => exports.set(name, local));
    }
  }
  if (source.keep) text = declareAnew(text);
  const code = text.replaceAll(COMMENTS, "");
  const completes = source.completes && !(/\}\s*$/.test(code) && endsWithBlock(text));
  return {
    text, position, strict, exports, completes,
    definesMain: MAIN.test(code) && !CALLED.test(code),
    setsResult: RESULT.test(code),
  };
}
