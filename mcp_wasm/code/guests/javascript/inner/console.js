// The functions behind `console`, which write to stdout (1) and stderr (2).
import { format, table } from "./format.js";
import { inspect } from "./inspect.js";
import { elapsed } from "./timers.js";

let indent = "";
const timers = new Map();
const counts = new Map();

export function line(stream, text) {
  engine.write(stream, (indent ? indent + text.replaceAll("\n", `\n${indent}`) : text) + "\n");
}

export function print(stream, args) {
  line(stream, format(args));
}

export function dir(value, options) {
  line(1, inspect(value, options));
}

export function printTable(data, columns) {
  const text = table(data, columns);
  if (text === undefined) print(1, [data]);
  else line(1, text);
}

export function group(args) {
  if (args.length) print(1, args);
  indent += "  ";
}

export function groupEnd() {
  indent = indent.slice(2);
}

export function time(label) {
  timers.set(label, elapsed());
}

export function timeLog(label, ends, args) {
  const begun = timers.get(label);
  if (begun === undefined) return line(2, `Warning: No such label '${label}' for console.time()`);
  if (ends) timers.delete(label);
  const milliseconds = elapsed() - begun;
  const shown = milliseconds >= 1000 ? `${(milliseconds / 1000).toFixed(3)}s` : `${Number(milliseconds.toFixed(3))}ms`;
  return line(1, `${label}: ${shown}${args.length ? ` ${format(args)}` : ""}`);
}

export function count(label) {
  counts.set(label, (counts.get(label) ?? 0) + 1);
  line(1, `${label}: ${counts.get(label)}`);
}

export function countReset(label) {
  counts.delete(label);
}
