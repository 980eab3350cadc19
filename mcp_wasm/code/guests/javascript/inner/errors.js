// What an answer says of an error: type, message, place in the submitted code, traceback.
import { inspect } from "./inspect.js";
import { hintFor } from "./hints.js";
import { kindOf } from "./kinds.js";
import { Refused } from "./refused.js";
import { frameText, framesOf, headline, mapping, textOf } from "./stack.js";
import { plainOf } from "./value.js";

const DEEPEST = 4;

/** The answer's `error` for whatever was thrown. */
export function describe(error) {
  if (error instanceof Refused) return refused(error);
  if (kindOf(error) !== "Error") return thrownValue(error);
  const type = textOf(error, "name") || "Error", message = textOf(error, "message");
  const found = framesOf(error);
  const place = found.find((frame) => frame.file === mapping.file);
  const result = { type, message, line: place?.line ?? null, column: place?.column ?? null, traceback: traceback(error) };
  const hint = hintFor(type, message, error) ?? lineHint(type, place);
  if (hint) result.hint = hint;
  const data = dataOf(error);
  if (data !== undefined) result.data = data;
  return result;
}

/** The engine does not always name what was no function or had no property: the line does. */
function lineHint(type, place) {
  const line = type === "TypeError" && place ? (mapping.source.split("\n")[place.line - 1] ?? "").trim() : "";
  return line === "" ? undefined : `Line ${place.line} is: ${line.length > 160 ? `${line.slice(0, 160)}…` : line}`;
}

function refused({ type, message, line, column, hint }) {
  const place = line === null ? "" : `\n${frameText({ file: mapping.file, line, column })}`;
  return { type, message, line, column, traceback: `${type}: ${message}${place}`, ...(hint && { hint }) };
}

function thrownValue(value) {
  const shown = inspect(value);
  const result = { type: "thrown value", message: shown, line: null, column: null, traceback: `thrown: ${shown}` };
  result.hint = "Throw an Error, not another value: an Error carries the place where it was made.";
  return result;
}

function traceback(error, depth = 0) {
  if (kindOf(error) !== "Error") return `thrown: ${inspect(error)}`;
  const lines = [headline(error)];
  for (const frame of framesOf(error)) lines.push(frameText(frame));
  if (depth < DEEPEST) {
    const cause = read(error, "cause"), parts = read(error, "errors");
    if (cause !== undefined) lines.push(`caused by ${traceback(cause, depth + 1)}`);
    if (Array.isArray(parts)) for (const part of parts.slice(0, 8)) lines.push(`with ${traceback(part, depth + 1)}`);
  }
  return lines.join("\n");
}

function read(object, key) {
  try {
    return object[key];
  } catch {
    return undefined;
  }
}

/** The error's own properties beside those that every error has, where they are JSON. */
function dataOf(error) {
  const data = {};
  let some = false;
  for (const key of Object.keys(error)) {
    if (key === "message" || key === "stack" || key === "name" || key === "cause" || key === "errors") continue;
    const made = plainOf(read(error, key));
    if (made.plain === undefined) continue;
    data[key] = made.plain;
    some = true;
  }
  return some ? data : undefined;
}
