// Types off, by sucrase, inside the runner: lines stay, and columns are found again through its tokens.
import { HelperManager } from "sucrase/dist/esm/HelperManager.js";
import NameManager from "sucrase/dist/esm/NameManager.js";
import TokenProcessor from "sucrase/dist/esm/TokenProcessor.js";
import identifyShadowedGlobals from "sucrase/dist/esm/identifyShadowedGlobals.js";
import { parse } from "sucrase/dist/esm/parser/index.js";
import RootTransformer from "sucrase/dist/esm/transformers/RootTransformer.js";
import getTSImportedNames from "sucrase/dist/esm/util/getTSImportedNames.js";
import { Refused, placeAt } from "./refused.js";

const NAMESPACE = /^[ \t]*(?:export[ \t]+)?(?:namespace|module)[ \t]+[\w.$]+[ \t]*\{/m; // sucrase drops them silently
const OPTIONS = { transforms: ["typescript"], disableESTransforms: true };

/** `{text, position}` of TypeScript; `position(line, column)` in that text tells the place in the source. */
export function strip(source) {
  const namespace = NAMESPACE.exec(source);
  if (namespace !== null) {
    const [line, column] = placeAt(source, namespace.index + namespace[0].search(/\S/));
    throw new Refused("SyntaxError", "namespaces are not supported", line, column, "Use a plain object, or functions of the top level.");
  }
  let result, tokens;
  try {
    const file = parse(source, false, true, false);
    tokens = file.tokens;
    const names = new NameManager(source, tokens), helpers = new HelperManager(names);
    const tokenProcessor = new TokenProcessor(source, tokens, false, true, helpers);
    identifyShadowedGlobals(tokenProcessor, file.scopes, getTSImportedNames(tokenProcessor));
    const context = { tokenProcessor, scopes: file.scopes, nameManager: names, importProcessor: null, helperManager: helpers };
    result = new RootTransformer(context, OPTIONS.transforms, false, OPTIONS).transform();
  } catch (error) {
    throw refused(error, source);
  }
  return { text: result.code, position: positions(source, result, tokens) };
}

function refused(error, source) {
  if (typeof error.pos !== "number") {
    return new Refused("SyntaxError", `this TypeScript is not understood: ${error.message}`, null, null,
      "Decorators with metadata and `import =` are not supported; write plain modules.");
  }
  const [line, column] = placeAt(source, error.pos);
  const message = String(error.message).replace(/\s*\(\d+:\d+\)$/, "");
  return new Refused("SyntaxError", message || "unexpected token", line, column);
}

function positions(source, { code, mappings }, tokens) {
  return (line, column) => {
    let offset = 0;
    for (let row = 1; row < line; row++) offset = code.indexOf("\n", offset) + 1;
    const wanted = offset + (column ?? 1) - 1;
    let best = -1;
    for (let i = 0; i < mappings.length; i++) {
      if (mappings[i] !== undefined && mappings[i] <= wanted && (best < 0 || mappings[i] >= mappings[best])) best = i;
    }
    if (best < 0 || column === null) return [line, column];
    const token = tokens[best];
    const [row, at] = placeAt(source, Math.min(token.start + wanted - mappings[best], Math.max(token.start, token.end - 1)));
    return row === line ? [row, at] : [line, column];
  };
}
