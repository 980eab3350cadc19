// The texts of console calls: format strings, tables.
import { inspect } from "./inspect.js";
import { kindOf } from "./kinds.js";
import { width } from "./layout.js";

/** What console.log writes for its arguments, without the line's end. */
export function format(args) {
  const first = args[0];
  let next = 0, text = "";
  if (typeof first === "string") {
    next = 1;
    text = args.length === 1 || !first.includes("%") ? first : first.replace(/%([sdifjoOc%])/g, (whole, letter) => {
      if (letter === "%") return "%";
      return next < args.length ? directive(letter, args[next++]) : whole;
    });
  }
  const parts = next ? [text] : [];
  for (; next < args.length; next++) parts.push(typeof args[next] === "string" ? args[next] : inspect(args[next]));
  return parts.join(" ");
}

function directive(letter, value) {
  switch (letter) {
    case "s":
      if (typeof value === "bigint") return `${value}n`;
      return typeof value === "object" && value !== null ? inspect(value, { depth: 0 })
        : typeof value === "function" ? inspect(value) : Object.is(value, -0) ? "-0" : String(value);
    case "d": return numeric(value, (given) => Number(given));
    case "i": return numeric(value, (given) => Number.parseInt(given, 10));
    case "f": return typeof value === "symbol" ? "NaN" : String(Number.parseFloat(value));
    case "j":
      try {
        return String(JSON.stringify(value));
      } catch {
        return "[Circular]";
      }
    case "o": return inspect(value, { showHidden: false, depth: 4 });
    case "O": return inspect(value);
    default: return ""; // %c, of which a terminal shows nothing
  }
}

function numeric(value, convert) {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "symbol" || typeof value === "object") return "NaN";
  const number = convert(value);
  return Object.is(number, -0) ? "-0" : String(number);
}

/** What console.table writes, or undefined for what is no table. */
export function table(data, columns) {
  if (typeof data !== "object" || data === null) return undefined;
  const kind = kindOf(data), iterated = kind === "Map" || kind === "Set";
  const rows = kind === "Map" ? [...Map.prototype.entries.call(data)].map((pair, i) => [i, pair])
    : kind === "Set" ? [...Set.prototype.values.call(data)].map((value, i) => [i, value])
      : Object.entries(data);
  const names = [], seen = new Map(), lines = [];
  let values = false;
  for (const [, row] of rows) {
    if (typeof row !== "object" || row === null) values = true;
    else for (const key of columns ?? Object.keys(row)) if (!seen.has(key)) seen.set(key, names.push(key));
  }
  const shown = (value) => inspect(value, { depth: typeof value === "object" && value !== null ? 0 : 1 });
  for (const [index, row] of rows) {
    const isObject = typeof row === "object" && row !== null;
    const cells = names.map((key) => (isObject && Object.hasOwn(row, key) ? shown(row[key]) : ""));
    lines.push([String(index), ...cells, ...(values ? [isObject ? "" : shown(row)] : [])]);
  }
  const heads = kind === "Map" ? ["(iteration index)", "Key", "Values"]
    : [iterated ? "(iteration index)" : "(index)", ...names.map(String), ...(values ? ["Values"] : [])];
  return boxed(heads, lines);
}

function boxed(heads, lines) {
  const widths = heads.map((head, i) => Math.max(width(head), ...lines.map((line) => width(line[i]))) + 2);
  const cell = (text, i) => ` ${text}${" ".repeat(widths[i] - width(text) - 1)}`;
  const rule = (left, middle, right) => left + widths.map((count) => "─".repeat(count)).join(middle) + right;
  const row = (cells) => `│${cells.map(cell).join("│")}│`;
  return [rule("┌", "┬", "┐"), row(heads), rule("├", "┼", "┤"), ...lines.map(row), rule("└", "┴", "┘")].join("\n");
}
