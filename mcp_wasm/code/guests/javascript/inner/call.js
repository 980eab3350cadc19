// Mode call: a top-level function by name, with arguments by their WIT types.
import { lookup } from "./run.js";

export function findFunction(prepared, name) {
  return lookup(name);
}

export function callWithTypes(f, request) {
  throw new Error("not yet");
}
