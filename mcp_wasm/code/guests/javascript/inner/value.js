// From a value of the code to the answer's JSON.
import { inspect } from "./inspect.js";

/** `{value, text}` of the answer; nothing for undefined and null. */
export function told(value) {
  if (value === undefined || value === null) return {};
  return { value };
}
