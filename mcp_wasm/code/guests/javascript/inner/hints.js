export function hintFor() {
  return undefined;
}
