// What the runner itself finds wrong with a program, with its place in the submitted code.

export class Refused extends Error {
  /** `line` and `column` count from 1; null where unknown. */
  constructor(type, message, line = null, column = null, hint = undefined) {
    super(message);
    Object.assign(this, { type, line, column, hint });
  }
}

/** Line and column, from 1, of the character at `offset`. */
export function placeAt(text, offset) {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  return [before.split("\n").length, offset - start + 1];
}

/** The names nearest to one that does not exist, as words for an error. */
export function nearest(name, names) {
  const wanted = plain(name);
  const found = names.map((each) => [distance(wanted, plain(each)), each])
    .filter(([far, each]) => far <= Math.max(2, each.length / 3)).sort((a, b) => a[0] - b[0]);
  return found.slice(0, 3).map(([, each]) => each);
}

const plain = (name) => name.toLowerCase().replaceAll(/[_-]/g, "");

function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length];
}
