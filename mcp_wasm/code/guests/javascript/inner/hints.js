// One sentence that a model can act on, for the common mistakes.
import { builtIns, plainName } from "./modules.js";
import { textOf } from "./stack.js";

const NETWORK = "There is no network here: pass data in as `input` or files, or call a tool that was granted, `import {...} from \"tools\"`.";
const MODULES = () => `Only built-in modules can be imported, there is no npm: ${builtIns().filter((name) => !name.includes("/")).join(", ")}.`;
const NAMES = {
  Intl: "There is no Intl here: toLocaleString formats numbers for en-US, and dates can be put together from their parts.",
  document: "There is no page here: this is not a browser.",
  window: "There is no page here: this is not a browser. Use globalThis.",
  localStorage: "There is no page here: keep values in variables, or write files with `fs`.",
  alert: "There is no page here: use console.log.",
  prompt: "Nobody types here: pass values as `input`, which `main(input)` is called with.",
  XMLHttpRequest: NETWORK, WebSocket: NETWORK, axios: NETWORK,
  Worker: "There are no threads here: do the work in this one.",
  Deno: "This is QuickJS, not Deno: files are read with `fs`.",
  Bun: "This is QuickJS, not Bun: files are read with `fs`.",
  std: "The modules of qjs are not here: files are read with `fs`, output is written by console.log.",
  input: "No input was given to this run.",
};
const NETWORKED = /^(?:node-fetch|axios|got|undici|http|https|http2|net|tls|dns|dgram|ws|request|superagent|socket\.io.*)$/;
const PROCESSES = /^(?:child_process|cluster|worker_threads|execa|shelljs)$/;

export function hintFor(type, message, error) {
  const code = textOf(error, "code");
  if (type === "ReferenceError") {
    const name = /^(?:'|")?([\w$]+)(?:'|")? is not defined/.exec(message)?.[1];
    return Object.hasOwn(NAMES, name ?? "") ? NAMES[name] : undefined;
  }
  const missing = /^(?:Cannot find module|could not load module(?: filename)?) '([^']*)'/.exec(message)?.[1];
  if (missing !== undefined) return moduleHint(missing);
  if (type === "ToolError") return toolHint(textOf(error, "kind"));
  if (code === "ENETUNREACH") return NETWORK;
  if (code === "ENOENT") return "Only files given to this run or written by it are there; readdirSync(\"/\") lists them.";
  if (/call stack/i.test(message)) return "Look for recursion without an end, or turn it into a loop: the stack holds some thousand calls.";
  if (/out of memory|string too long|invalid array length/i.test(message)) return "Work on smaller pieces, and drop what is not needed any more.";
  if (type === "SyntaxError") return syntaxHint(message);
  return undefined;
}

export function moduleHint(name) {
  const plain = plainName(name);
  if (NETWORKED.test(plain)) return NETWORK;
  if (PROCESSES.test(plain)) return "There are no processes and no threads here: do the work in this code.";
  if (plain === "readline") return "Nobody types here: pass values as `input`, which `main(input)` is called with.";
  return MODULES();
}

function toolHint(kind) {
  if (kind === "denied") return "A person grants tools to code: mcp-wasm grants add code tools names=NAME.";
  if (kind === "invalid") return "Look at the tool's schema: the names of arguments are those of its properties.";
  return undefined;
}

function syntaxHint(message) {
  if (/return/.test(message) && /not in a function/.test(message)) {
    return "At the top level write the value as the last expression, or put the code into `function main(input)`.";
  }
  if (/redeclaration|already.*declared/i.test(message)) return "The name is declared twice: rename one, or assign without let or const.";
  return undefined;
}
