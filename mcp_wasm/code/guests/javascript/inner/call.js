// Mode call: a top-level function by name, its arguments and its result by their WIT types.
import { lookup } from "./lookup.js";
import { Refused, nearest } from "./refused.js";
import { finish } from "./timers.js";
import { fromJson, toJson } from "./shapes.js";
import { fromPlain, toPlain } from "./types.js";

/** The result of the function that `request` names, as the plain JSON of its WIT type. */
export function callFunction(prepared, request) {
  const given = request.arguments ?? {};
  const f = find(prepared, String(request.function));
  const { shapes } = request; // how values look in the code, where its types were read from the source
  const args = (request.types ?? []).map(([name, type], i) => {
    const value = Object.hasOwn(given, name) ? given[name] : null;
    return shapes ? shaped(() => fromJson(value, shapes.params[i], name, realm())) : fromPlain(type, value);
  });
  while (args.length && args.at(-1) === undefined) args.pop(); // left out, so that a default can stand
  const result = finish(f(...args));
  if (request.result == null) return null;
  return shapes ? shaped(() => toJson(result, shapes.result)) : toPlain(request.result, result, "the result");
}

/** The classes of the code's own realm, of which its values are made. */
function realm() {
  return engine.evaluate("({ Array, Date, Map, Object, Set, Uint8Array })", "runner:realm", 1);
}

function shaped(convert) {
  try {
    return convert();
  } catch (error) {
    throw error instanceof TypeError ? new Refused("TypeError", error.message) : error;
  }
}

function find(prepared, name) {
  const local = prepared.exports.get(name) ?? name;
  const f = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(local) ? lookup(local) : undefined;
  if (typeof f === "function") return f;
  const common = lookup("module")?.exports?.[name];
  if (typeof common === "function") return common;
  const near = nearest(name, [...prepared.exports.keys()]);
  throw new Refused("ReferenceError", `the code has no top-level function "${name}"`, null, null,
    near.length ? `Did you mean ${near.join(" or ")}?` : "Declare it with `export function`.");
}
