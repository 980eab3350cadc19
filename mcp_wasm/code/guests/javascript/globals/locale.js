// toLocaleString and localeCompare for en-US: there is no Intl, and without this they would be plain and wrong.

const SIGNS = { USD: "$", EUR: "€", GBP: "£", JPY: "¥", INR: "₹", CNY: "CN¥", KRW: "₩", BRL: "R$", CAD: "CA$", AUD: "A$" };

function numberText(value, options = {}) {
  if (typeof value === "number" && !Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value < 0 ? "-∞" : "∞";
  const { style = "decimal", currency = "USD", useGrouping = true } = options;
  const usual = style === "currency" ? (currency === "JPY" || currency === "KRW" ? [0, 0] : [2, 2]) : style === "percent" ? [0, 0] : [0, 3];
  const least = options.minimumFractionDigits ?? Math.min(usual[0], options.maximumFractionDigits ?? usual[0]);
  const most = options.maximumFractionDigits ?? Math.max(usual[1], least);
  const negative = value < 0, scaled = style === "percent" && typeof value === "number" ? value * 100 : value;
  let [whole, part = ""] = typeof scaled === "bigint" ? [String(negative ? -scaled : scaled)] : fixed(Math.abs(scaled), most).split(".");
  while (part.length > least && part.endsWith("0")) part = part.slice(0, -1);
  whole = whole.padStart(options.minimumIntegerDigits ?? 1, "0");
  if (useGrouping) whole = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  const digits = part.padEnd(least, "0"), body = digits ? `${whole}.${digits}` : whole;
  const sign = negative || Object.is(value, -0) ? "-" : "";
  if (style === "percent") return `${sign}${body}%`;
  return style === "currency" ? `${sign}${SIGNS[currency] ?? `${currency} `}${body}` : sign + body;
}

/** Decimal digits without an exponent, halves away from zero as the shortest digits of the number say. */
function fixed(value, digits) {
  if (value >= 1e21) return BigInt(value).toString();
  const [mantissa, exponent = "0"] = String(value).split("e");
  const shortest = Number(`${mantissa}e${Number(exponent) + digits}`);
  return shortest < 1e15 ? Number(`${Math.round(shortest)}e-${digits}`).toFixed(digits) : value.toFixed(digits);
}

// The order of the root collation: spaces, punctuation, symbols, digits, letters.
const MARKS = "_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$";

function rank(char) {
  if (/\p{L}/u.test(char)) return 300;
  if (/\p{N}/u.test(char)) return 200;
  return /\s/.test(char) ? 0 : 1 + (MARKS.indexOf(char) + 100) % 100;
}
const base = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();

function characters(a, b) {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] === b[i]) continue;
    return rank(a[i]) - rank(b[i]) || (a[i] < b[i] ? -1 : 1);
  }
  return a.length - b.length;
}

function numeric(a, b) {
  const pieces = (text) => text.match(/\d+|\D+/g) ?? [];
  const left = pieces(a), right = pieces(b);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const both = /^\d/.test(left[i]) && /^\d/.test(right[i]);
    const order = both ? Number(left[i]) - Number(right[i]) : characters(left[i], right[i]);
    if (order) return order;
  }
  return left.length - right.length;
}

/** The first letter with another accent decides; one without comes first. */
function accents(a, b) {
  const left = [...a.normalize("NFC").toLowerCase()], right = [...b.normalize("NFC").toLowerCase()];
  const at = left.findIndex((char, i) => char !== right[i]);
  if (at < 0) return 0;
  return left[at].normalize("NFD") < (right[at] ?? "").normalize("NFD") ? -1 : 1;
}

const PLAIN = /^[a-z0-9]*$/;

function compare(a, b, options) {
  if (a === b) return 0;
  if (options === undefined && PLAIN.test(a) && PLAIN.test(b)) return a < b ? -1 : 1;
  const sensitivity = options?.sensitivity ?? "variant";
  const first = (options?.numeric ? numeric : characters)(base(a), base(b));
  if (first || sensitivity === "base") return Math.sign(first);
  const second = sensitivity === "case" ? 0 : accents(a, b);
  if (second || sensitivity === "accent") return second;
  for (let i = 0; i < a.length; i++) {
    // Small letters come before capital ones.
    if (a[i] !== b[i]) return a[i] === a[i].toLowerCase() ? -1 : 1;
  }
  return 0;
}

export function installLocale() {
  const define = (prototype, name, value) =>
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true, enumerable: false });
  define(Number.prototype, "toLocaleString", function toLocaleString(_locales, options) {
    return numberText(Number(this), options);
  });
  define(BigInt.prototype, "toLocaleString", function toLocaleString(_locales, options) {
    return numberText(BigInt(this), options);
  });
  define(String.prototype, "localeCompare", function localeCompare(other, _locales, options) {
    return compare(String(this), String(other), options);
  });
}
