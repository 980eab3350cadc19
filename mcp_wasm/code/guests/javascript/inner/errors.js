// What an answer says of an error: type, message, place in the submitted code, traceback.
import { inspect } from "./inspect.js";
import { hintFor } from "./hints.js";

const FRAME = /^\s+at (?:(.*) \()?(.*?)(?::(\d+))?(?::(\d+))?\)?$/;
const DEEPEST = 4;

/** The answer's `error` for whatever was thrown. */
export function describe(error, source) {
  const about = read(error);
  const frames = framesOf(about.stack, source);
  const place = frames.find((frame) => frame.file === source.file);
  const result = {
    type: about.type,
    message: about.message,
    line: place?.line ?? null,
    column: place?.column ?? null,
    traceback: traceback(error, about, frames, source),
  };
  const hint = hintFor(about, source);
  if (hint) result.hint = hint;
  return result;
}

function read(error) {
  if (typeof error !== "object" || error === null || !isError(error)) {
    return { type: "thrown value", message: inspect(error), stack: "" };
  }
  return {
    type: text(error, "name") || "Error",
    message: text(error, "message"),
    stack: text(error, "stack"),
    code: text(error, "code"),
  };
}

const ERROR = engine.classId(new Error());

function isError(value) {
  return engine.classId(value) === ERROR;
}

function text(error, key) {
  try {
    const value = error[key];
    return value === undefined || value === null ? "" : String(value);
  } catch {
    return "";
  }
}

function framesOf(stack, source) {
  const frames = [];
  for (const line of stack.split("\n")) {
    const match = FRAME.exec(line);
    if (match === null || match[2] === "native" || match[2].startsWith("runner:")) continue;
    let [, name, file, row, column] = match;
    row = row === undefined ? null : Number(row);
    column = column === undefined ? null : Number(column);
    if (file === source.file && row !== null) [row, column] = source.position(row, column);
    frames.push({ name: name === "<eval>" ? undefined : name, file, line: row, column });
  }
  return frames;
}

function traceback(error, about, frames, source, depth = 0) {
  const lines = [about.type === "thrown value" ? `thrown: ${about.message}` : headline(about)];
  for (const { name, file, line, column } of frames) {
    const place = [file, line, column].filter((part) => part !== null).join(":");
    lines.push(name ? `    at ${name} (${place})` : `    at ${place}`);
  }
  const cause = about.type === "thrown value" || depth === DEEPEST ? undefined : causeOf(error);
  if (cause !== undefined) {
    const inner = read(cause);
    lines.push(`caused by ${traceback(cause, inner, framesOf(inner.stack, source), source, depth + 1)}`);
  }
  return lines.join("\n");
}

function headline({ type, message }) {
  return message ? `${type}: ${message}` : type;
}

function causeOf(error) {
  try {
    return error.cause;
  } catch {
    return undefined;
  }
}
