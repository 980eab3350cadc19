// URL and URLSearchParams (URL Standard), without internationalised hosts.
import { decoded } from "./text.js";

const PORTS = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21", "file:": "" };
const SETS = {
  fragment: /[^\x21\x23-\x3b\x3d\x3f-\x5f\x61-\x7e]/gu,
  query: /[^\x21\x24-\x26\x28-\x3b\x3d\x3f-\x7e]/gu,
  path: /[^\x21\x24-\x3b\x3d\x40-\x5d\x5f\x61-\x7a\x7c\x7e]/gu,
  user: /[^\x21\x24-\x2e\x30-\x39\x41-\x5a\x5f\x61-\x7a\x7e]/gu,
};

function encode(text, set) {
  return text.toWellFormed().replace(SETS[set], (char) => Array.from(host.encode(char), (byte) => `%${hex(byte)}`).join(""));
}

const hex = (byte) => byte.toString(16).toUpperCase().padStart(2, "0");

function refuse(text) {
  const error = new TypeError("Invalid URL");
  error.code = "ERR_INVALID_URL";
  error.input = text;
  return error;
}

/** {protocol, username, password, hostname, port, pathname, search, hash, opaque} of a URL's text. */
function parse(text, base) {
  const trimmed = text.replace(/^[\x00-\x20]+|[\x00-\x20]+$/g, "").replace(/[\t\n\r]/g, "");
  const [, scheme, afterScheme] = /^([A-Za-z][A-Za-z0-9+.-]*:)?([^]*)$/.exec(trimmed);
  const [, beforeHash, hash] = /^([^#]*)(#[^]*)?$/.exec(afterScheme);
  const [, body, search] = /^([^?]*)(\?[^]*)?$/.exec(beforeHash);
  const protocol = scheme?.toLowerCase();
  const made = {
    protocol, username: "", password: "", hostname: "", port: "", pathname: "", opaque: false, hasHost: false,
    search: search?.length > 1 ? encode(search, "query") : "", hash: hash?.length > 1 ? encode(hash, "fragment") : "",
  };
  if (protocol === undefined) return relative(made, body, search, base, text);
  const special = protocol in PORTS;
  const path = special ? body.replaceAll("\\", "/") : body;
  if (special && !path.startsWith("/") && base?.protocol === protocol) return relative(made, path, search, base, text);
  if (special ? protocol !== "file:" || path.startsWith("//") : path.startsWith("//")) {
    const [, authority, rest] = /^\/*([^/]*)([^]*)$/.exec(protocol === "file:" ? path.slice(2) === "" ? "" : path.replace(/^\/\//, "\0") : path);
    readAuthority(made, authority.replace("\0", ""), text, special);
    made.pathname = normalized(rest || (special ? "/" : ""), special);
    return made;
  }
  if (special) made.hasHost = true;
  made.opaque = !special && !path.startsWith("/");
  made.pathname = made.opaque ? path.replace(/[^\x20-\x7e]/gu, (char) => encode(char, "path")) : normalized(path, special);
  return made;
}

function relative(made, body, search, base, text) {
  if (base === undefined || (base.opaque && body !== "")) throw refuse(text);
  const special = base.protocol in PORTS, path = special ? body.replaceAll("\\", "/") : body;
  Object.assign(made, { protocol: base.protocol });
  if (path.startsWith("//")) {
    const [, authority, rest] = /^\/\/([^/]*)([^]*)$/.exec(path);
    readAuthority(made, authority, text, special);
    made.pathname = normalized(rest || "/", special);
    return made;
  }
  const { username, password, hostname, port, hasHost, opaque } = base;
  Object.assign(made, { username, password, hostname, port, hasHost, opaque });
  if (path === "") {
    made.pathname = base.pathname;
    if (search === undefined) made.search = base.search;
  } else {
    made.pathname = normalized(path.startsWith("/") ? path : base.pathname.replace(/[^/]*$/, "") + path, special);
  }
  return made;
}

function readAuthority(made, authority, text, special) {
  made.hasHost = true;
  const at = authority.lastIndexOf("@");
  if (at >= 0) {
    const [, user, password] = /^([^:]*):?([^]*)$/.exec(authority.slice(0, at));
    made.username = encode(user, "user");
    made.password = encode(password, "user");
  }
  const found = /^(\[[0-9a-fA-F:.]+\]|[^:]*)(?::(\d*))?$/.exec(authority.slice(at + 1));
  if (found === null || (special && found[1] === "" && made.protocol !== "file:")) throw refuse(text);
  const name = special ? percentDecoded(found[1]).toLowerCase() : found[1];
  if (/[\x00-\x20#%/<>?@\\^|]/.test(name) || Number(found[2] ?? 0) > 65535) throw refuse(text);
  made.hostname = name;
  made.port = found[2] && String(Number(found[2])) !== PORTS[made.protocol] ? String(Number(found[2])) : "";
}

function normalized(path, special) {
  const out = [];
  const parts = path.replace(/^\//, "").split("/");
  parts.forEach((part, i) => {
    const last = i === parts.length - 1, dots = part.replace(/%2e/gi, ".");
    if (dots === "..") {
      out.pop();
      if (last) out.push("");
    } else if (dots === ".") {
      if (last) out.push("");
    } else {
      out.push(encode(part, "path"));
    }
  });
  return special || path.startsWith("/") ? `/${out.join("/")}` : out.join("/");
}

function percentDecoded(text) {
  if (!text.includes("%")) return text;
  const bytes = [];
  const encoded = host.encode(text.toWellFormed());
  for (let i = 0; i < encoded.length; i++) {
    const pair = encoded[i] === 37 ? String.fromCharCode(encoded[i + 1], encoded[i + 2]) : "";
    if (/^[\da-f]{2}$/i.test(pair)) {
      bytes.push(Number.parseInt(pair, 16));
      i += 2;
    } else bytes.push(encoded[i]);
  }
  return decoded("utf-8", Uint8Array.from(bytes), false);
}

const form = (text) => encodeURIComponent(text.toWellFormed())
  .replace(/[!'()~]/g, (char) => `%${hex(char.charCodeAt(0))}`).replaceAll("%20", "+");

export class URLSearchParams {
  #list = []; #changed;
  constructor(init = "", changed = undefined) {
    this.#changed = changed;
    if (typeof init === "string") this.#read(init);
    else if (init !== null && typeof init === "object") {
      const pairs = typeof init[Symbol.iterator] === "function" ? [...init] : Object.entries(init);
      this.#list = pairs.map(([name, value]) => [String(name), String(value)]);
    }
  }
  #read(text) {
    this.#list = [];
    for (const part of text.replace(/^\?/, "").split("&")) {
      if (part === "") continue;
      const at = part.indexOf("="), plain = (piece) => percentDecoded(piece.replaceAll("+", " "));
      this.#list.push(at < 0 ? [plain(part), ""] : [plain(part.slice(0, at)), plain(part.slice(at + 1))]);
    }
  }
  #tell() { this.#changed?.(this.toString()); }
  get size() { return this.#list.length; }
  append(name, value) { this.#list.push([String(name), String(value)]); this.#tell(); }
  delete(name, value) {
    this.#list = this.#list.filter(([key, item]) => key !== name || (value !== undefined && item !== value));
    this.#tell();
  }
  get(name) { return this.#list.find(([key]) => key === name)?.[1] ?? null; }
  getAll(name) { return this.#list.filter(([key]) => key === name).map(([, value]) => value); }
  has(name, value) { return this.#list.some(([key, item]) => key === name && (value === undefined || item === value)); }
  set(name, value) {
    const at = this.#list.findIndex(([key]) => key === name);
    if (at < 0) this.#list.push([String(name), String(value)]);
    else {
      this.#list[at][1] = String(value);
      this.#list = this.#list.filter(([key], i) => key !== name || i === at);
    }
    this.#tell();
  }
  sort() { this.#list.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)); this.#tell(); }
  forEach(callback, self) { for (const [name, value] of this.#list) callback.call(self, value, name, this); }
  *entries() { for (const [name, value] of this.#list) yield [name, value]; }
  *keys() { for (const [name] of this.#list) yield name; }
  *values() { for (const [, value] of this.#list) yield value; }
  [Symbol.iterator]() { return this.entries(); }
  toString() { return this.#list.map(([name, value]) => `${form(name)}=${form(value)}`).join("&"); }
  get [Symbol.toStringTag]() { return "URLSearchParams"; }
  [Symbol.for("nodejs.util.inspect.custom")](_depth, _options, inspect) {
    const shown = this.#list.map(([name, value]) => `${inspect(name)} => ${inspect(value)}`).join(", ");
    return `URLSearchParams {${shown && ` ${shown} `}}`;
  }
}

export class URL {
  #parts; #params;
  constructor(text, base) {
    this.#parts = parse(String(text), base === undefined ? undefined : parse(String(base)));
    this.#params = this.#search();
  }
  #search() {
    return new URLSearchParams(this.#parts.search, (query) => { this.#parts.search = query && `?${query}`; });
  }
  static canParse(text, base) { return URL.parse(text, base) !== null; }
  static parse(text, base) {
    try {
      return new URL(text, base);
    } catch {
      return null;
    }
  }
  get protocol() { return this.#parts.protocol; }
  set protocol(value) { this.#parts.protocol = `${String(value).replace(/:.*$/, "").toLowerCase()}:`; }
  get username() { return this.#parts.username; }
  set username(value) { this.#parts.username = encode(String(value), "user"); }
  get password() { return this.#parts.password; }
  set password(value) { this.#parts.password = encode(String(value), "user"); }
  get hostname() { return this.#parts.hostname; }
  set hostname(value) { this.#parts.hostname = String(value).toLowerCase(); }
  get port() { return this.#parts.port; }
  set port(value) { this.#parts.port = String(value) === PORTS[this.protocol] ? "" : String(value); }
  get host() { return this.hostname + (this.port && `:${this.port}`); }
  set host(value) { readAuthority(this.#parts, String(value), String(value), this.protocol in PORTS); }
  get pathname() { return this.#parts.pathname; }
  set pathname(value) { this.#parts.pathname = normalized(String(value), this.protocol in PORTS); }
  get search() { return this.#parts.search; }
  set search(value) {
    const query = String(value).replace(/^\?/, "");
    this.#parts.search = query && `?${encode(query, "query")}`;
    this.#params = this.#search();
  }
  get hash() { return this.#parts.hash; }
  set hash(value) {
    const fragment = String(value).replace(/^#/, "");
    this.#parts.hash = fragment && `#${encode(fragment, "fragment")}`;
  }
  get searchParams() { return this.#params; }
  get origin() { return this.protocol in PORTS && this.protocol !== "file:" ? `${this.protocol}//${this.host}` : "null"; }
  get href() {
    const { username, password, hasHost, pathname, search, hash } = this.#parts;
    const user = username || password ? `${username}${password && `:${password}`}@` : "";
    return `${this.protocol}${hasHost ? `//${user}${this.host}` : ""}${pathname}${search}${hash}`;
  }
  set href(value) {
    this.#parts = parse(String(value));
    this.#params = this.#search();
  }
  toString() { return this.href; }
  toJSON() { return this.href; }
  get [Symbol.toStringTag]() { return "URL"; }
  [Symbol.for("nodejs.util.inspect.custom")](_depth, _options, inspect) {
    const names = ["href", "origin", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search",
      "searchParams", "hash"];
    return `URL ${inspect(Object.fromEntries(names.map((name) => [name, this[name]])))}`;
  }
}
