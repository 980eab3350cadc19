// Lines and columns of inspected values, by the rules of Node's util.inspect.

const IDENTIFIER = /^[A-Za-z_$][A-Za-z0-9_$]*$/;
const ESCAPES = { "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", "\\": "\\\\" };
const COLUMNS_WIDEST = 15;

export function quoted(text) {
  const quote = !text.includes("'") ? "'" : !text.includes('"') ? '"' : !text.includes("`") && !text.includes("${") ? "`" : "'";
  // eslint-disable-next-line no-control-regex
  const escaped = text.replace(/[\x00-\x1f\x7f-\x9f\\]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
    (char) => ESCAPES[char] ?? (char.charCodeAt(0) < 256
      ? `\\x${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`
      : `\\u${char.charCodeAt(0).toString(16)}`));
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote;
}

export function keyText(key, enumerable) {
  const text = typeof key === "symbol" ? `[${String(key)}]` : IDENTIFIER.test(key) ? key : quoted(key);
  return enumerable || typeof key === "symbol" ? text : `[${text}]`;
}

/** `output` between brackets: on one line where it fits, else an entry a line; long lists in columns. */
export function bracketed(context, output, base, open, close, list, level) {
  const start = base ? `${base} ` : "";
  if (context.compact) {
    const entries = output.length;
    const lines = list !== undefined && entries > 6 ? grouped(context, output, list) : output;
    if (context.level - level < context.compact && entries === lines.length) {
      const room = lines.length + context.indent + open.length + base.length + 10;
      if (fits(context, lines, room, base)) {
        const joined = lines.join(", ");
        if (!joined.includes("\n")) return `${start}${open} ${joined} ${close}`;
      }
    }
    output = lines;
  }
  const indent = `\n${" ".repeat(context.indent)}`;
  return `${start}${open}${indent}  ${output.join(`,${indent}  `)}${indent}${close}`;
}

function fits(context, output, start, base) {
  let total = output.length + start;
  for (const line of output) total += line.length;
  return total <= context.breakLength && !base.includes("\n");
}

export function grouped(context, output, list) {
  const count = output.length > context.maxArrayLength ? output.length - 1 : output.length;
  const lengths = output.slice(0, count).map(width);
  const longest = Math.max(...lengths);
  const total = lengths.reduce((sum, length) => sum + length + 2, 0);
  const most = longest + 2;
  if (most * 3 + context.indent >= context.breakLength || (total / most <= 5 && longest > 6)) return output;
  const bias = Math.max(most - 3 - Math.sqrt(most - total / output.length), 1);
  const columns = Math.min(
    Math.round(Math.sqrt(2.5 * bias * count) / bias),
    Math.floor((context.breakLength - context.indent) / most),
    context.compact * 4,
    COLUMNS_WIDEST,
  );
  if (columns <= 1) return output;
  const widths = [];
  for (let i = 0; i < columns; i++) {
    let widest = 0;
    for (let j = i; j < count; j += columns) widest = Math.max(widest, lengths[j]);
    widths.push(widest + 2);
  }
  const isNumber = (index) => typeof list[index] === "number" || typeof list[index] === "bigint";
  let right = true;
  for (let i = 0; i < output.length && right; i++) right = isNumber(i);
  const rows = [];
  for (let i = 0; i < count; i += columns) {
    const end = Math.min(i + columns, count);
    let row = "";
    for (let j = i; j < end; j++) {
      const last = j === end - 1, cell = last ? output[j] : `${output[j]}, `;
      const room = widths[j - i] + output[j].length - lengths[j] - (last ? 2 : 0);
      row += right ? cell.padStart(room) : last ? cell : cell.padEnd(room);
    }
    rows.push(row);
  }
  if (count < output.length) rows.push(output[count]);
  return rows;
}

/** Columns that text takes: wide characters of East Asia and emoji take two, combining marks none. */
export function width(text) {
  // eslint-disable-next-line no-control-regex
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let columns = 0;
  for (const char of text.normalize("NFC")) {
    const code = char.codePointAt(0);
    if (/\p{M}|[\u200b-\u200f\ufe00-\ufe0f]/u.test(char)) continue;
    const wide = code >= 0x1100 && (code <= 0x115f || (code >= 0x2e80 && code <= 0xa4cf) || (code >= 0xac00 && code <= 0xd7a3)
      || (code >= 0xf900 && code <= 0xfaff) || (code >= 0xfe30 && code <= 0xfe6f) || (code >= 0xff00 && code <= 0xff60)
      || (code >= 0xffe0 && code <= 0xffe6) || (code >= 0x1f300 && code <= 0x1faff) || (code >= 0x20000 && code <= 0x3fffd));
    columns += wide ? 2 : 1;
  }
  return columns;
}
