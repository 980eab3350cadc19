// The module `path`, for paths with `/`.
import { absolute } from "./files.js";

function normalize(path) {
  if (path === "") return ".";
  const rooted = path.startsWith("/"), parts = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === ".." && parts.length && parts.at(-1) !== "..") parts.pop();
    else if (part !== ".." || !rooted) parts.push(part);
  }
  const joined = parts.join("/") + (path.endsWith("/") && parts.length ? "/" : "");
  return rooted ? `/${joined}` : joined || ".";
}

const join = (...parts) => normalize(parts.filter((part) => part !== "").join("/"));
const isAbsolute = (path) => path.startsWith("/");

function resolve(...parts) {
  let path = "";
  for (const part of parts.reverse()) {
    path = path ? `${part}/${path}` : part;
    if (isAbsolute(part)) break;
  }
  return absolute(path);
}

function dirname(path) {
  const plain = path.replace(/\/+$/, ""), at = plain.lastIndexOf("/");
  return at < 0 ? "." : at === 0 ? "/" : plain.slice(0, at);
}

function basename(path, suffix = "") {
  const name = path.replace(/\/+$/, "").split("/").at(-1);
  return suffix && name !== suffix && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name;
}

function extname(path) {
  const name = basename(path), at = name.lastIndexOf(".");
  return at > 0 ? name.slice(at) : "";
}

function relative(from, to) {
  const a = absolute(from).split("/").filter(Boolean), b = absolute(to).split("/").filter(Boolean);
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same++;
  return [...a.slice(same).map(() => ".."), ...b.slice(same)].join("/");
}

function parse(path) {
  const base = basename(path), ext = extname(path), dir = dirname(path);
  return { root: isAbsolute(path) ? "/" : "", dir: dir === "." && !path.startsWith(".") ? "" : dir, base, ext, name: ext ? base.slice(0, -ext.length) : base };
}

const format = ({ dir, root = "", base, name = "", ext = "" }) =>
  (dir ? (dir.endsWith("/") ? dir : `${dir}/`) : root) + (base ?? name + ext);

export function path() {
  const made = { sep: "/", delimiter: ":", normalize, join, isAbsolute, resolve, dirname, basename, extname, relative, parse, format };
  return { ...made, posix: made };
}
