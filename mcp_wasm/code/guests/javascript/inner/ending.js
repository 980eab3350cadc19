// process.exit: what runs ends at once, and no catch or finally of the code sees it.

let code = 0;

/** Thrown through the runner's own scripts when the code has ended itself. */
export class Ended {}

export function exit(given) {
  code = Number(given ?? 0) | 0;
  engine.end();
}

export function exitCode() {
  return code;
}
