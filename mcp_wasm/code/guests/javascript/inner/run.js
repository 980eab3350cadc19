// One request to one answer; the JSON of both is described in docs/code.md.
import { describe } from "./errors.js";
import { Ended, exitCode } from "./ending.js";
import { prepare } from "./prepare.js";
import { startClock, finish, settle } from "./timers.js";
import { findFunction, callWithTypes } from "./call.js";
import { told } from "./value.js";

const SCRIPT = 0, PLAIN = 1, STRICT = 2;
const own = (object, key) => (Object.hasOwn(object, key) ? object[key] : undefined);

/** The answer, as JSON text, to `request`, an object that JSON was parsed to. */
export function answer(request) {
  const file = String(own(request, "file") ?? "code.js");
  const source = { file, text: String(own(request, "code") ?? ""), position: (line, column) => [line, column] };
  startClock();
  let result;
  try {
    result = run(request, source);
  } catch (error) {
    result = error instanceof Ended ? ended() : { error: describe(error, source) };
  }
  return JSON.stringify(result);
}

function run(request, source) {
  const keep = own(request, "keep") === true;
  const prepared = prepare(source, own(request, "language") ?? "javascript", keep);
  const program = engine.evaluate(prepared.text, source.file, prepared.strict ? STRICT : SCRIPT);
  const completion = settle(program).value;
  if (own(request, "mode") === "call") {
    return callWithTypes(findFunction(prepared, own(request, "function")), request);
  }
  const value = prepared.completes ? completion : undefined;
  const result = finish(chosen(value, prepared, request));
  return told(result);
}

/** What `main` returns, or the variable `result`, or the last expression; a promise of it where it is one. */
function chosen(completion, prepared, request) {
  if (prepared.mentions.main && !prepared.callsMain) {
    const main = lookup("main");
    if (typeof main === "function") {
      return Object.hasOwn(request, "input") ? main(request.input) : main();
    }
  }
  if (prepared.mentions.result) {
    const result = lookup("result");
    if (result !== undefined) return result;
  }
  return completion;
}

/** The value of a top-level variable; `name` is one that the runner chose. */
export function lookup(name) {
  return engine.evaluate(`typeof ${name} === "undefined" ? undefined : ${name}`, "runner:lookup", PLAIN);
}

function ended() {
  const code = exitCode();
  if (code === 0) return {};
  const message = `the code ended itself with process.exit(${code})`;
  return { error: { type: "Exit", message, line: null, column: null, traceback: message } };
}
