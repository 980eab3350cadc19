// Top-level variables of submitted code, by name.

const PLAIN = 1;

/** The value of a top-level variable, undefined if there is none; `name` must be an identifier. */
export function lookup(name) {
  return engine.evaluate(`typeof ${name} === "undefined" ? undefined : ${name}`, "runner:lookup", PLAIN);
}
