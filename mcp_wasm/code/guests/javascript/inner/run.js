// One request to one answer; the JSON of both is described in docs/code.md.
import { callFunction } from "./call.js";
import { Ended, exitCode } from "./ending.js";
import { describe } from "./errors.js";
import { lookup } from "./lookup.js";
import { prepare } from "./prepare.js";
import { mapping } from "./stack.js";
import { finish, settle, startClock } from "./timers.js";
import { forgetTools } from "./tools.js";
import { told } from "./value.js";

const SCRIPT = 0, STRICT = 2;
let given = false;
const own = (object, key) => (Object.hasOwn(object, key) ? object[key] : undefined);

/** The answer, as JSON text, to `request`, an object that JSON was parsed to. */
export function answer(request) {
  let result;
  try {
    startClock();
    forgetTools();
    mapping.file = String(own(request, "file") ?? "code.js");
    mapping.position = (line, column) => [line, column];
    mapping.source = String(own(request, "code") ?? "");
    result = run(request);
  } catch (error) {
    if (error instanceof Ended) return ended();
    result = { error: describe(error) };
  }
  return JSON.stringify(result);
}

function run(request) {
  const typed = own(request, "mode") === "call";
  const prepared = prepare({
    text: mapping.source,
    typescript: own(request, "language") === "typescript",
    keep: own(request, "keep") === true,
    completes: !typed,
  });
  mapping.position = prepared.position;
  if (Object.hasOwn(request, "input")) {
    const value = request.input;
    Object.defineProperty(engine.global, "input", { value, writable: true, configurable: true, enumerable: false });
    given = true;
  } else if (given) {
    delete engine.global.input; // that of an earlier request of the session
    given = false;
  }
  const program = engine.evaluate(prepared.text, mapping.file, prepared.strict ? STRICT : SCRIPT);
  const completion = settle(program).value;
  if (typed) return { value: callFunction(prepared, request) };
  const result = finish(chosen(prepared.completes ? completion : undefined, prepared, request));
  return told(result);
}

/** What `main` returns, or the variable `result`, or the last expression; a promise of it where it is one. */
function chosen(completion, prepared, request) {
  if (prepared.definesMain) {
    const main = lookup("main");
    if (typeof main === "function") {
      return Object.hasOwn(request, "input") ? main(request.input) : main();
    }
  }
  if (prepared.setsResult) {
    const result = lookup("result");
    if (result !== undefined) return result;
  }
  return completion;
}

/** The answer for code that called process.exit. */
export function ended() {
  const code = exitCode();
  if (code === 0) return "{}";
  const message = `the code ended itself with process.exit(${code})`;
  const hint = "Throw an Error instead: it is told with its place.";
  return JSON.stringify({ error: { type: "Exit", message, line: null, column: null, traceback: message, hint } });
}
