// Stacks as submitted code should see them: without the runner's own frames.

export const FRAME = /^\s+at (?:(.*) \()?(.*?)(?::(\d+))?(?::(\d+))?\)?$/;

/** The frames where an error was made: those of its own constructors are left out. */
export function framesOf(error) {
  const found = frames(stackText(error));
  const names = new Set();
  for (let object = error; object !== null && names.size < 20; object = Object.getPrototypeOf(object)) {
    const constructor = Object.getOwnPropertyDescriptor(object, "constructor")?.value;
    if (typeof constructor === "function") names.add(Object.getOwnPropertyDescriptor(constructor, "name")?.value);
  }
  const first = found.findIndex((frame) => frame.name === undefined || !names.has(frame.name));
  return found.slice(Math.max(first, 0)).map(mapped);
}

/** The frames of a stack that are not the runner's and not the engine's: {name, file, line, column}. */
export function frames(stack) {
  const found = [];
  for (const text of stack.split("\n")) {
    const match = FRAME.exec(text);
    if (match === null || match[2] === "native" || /^runner:|^</.test(match[2]) || match[3] === undefined) continue;
    const [, name, file, line, column] = match;
    found.push({
      name: name === "<eval>" ? undefined : name,
      file,
      line: Number(line),
      column: column === undefined ? null : Number(column),
    });
  }
  return found;
}

export function frameText({ name, file, line, column }) {
  const place = [file, line, column].filter((part) => part !== null).join(":");
  return name ? `    at ${name} (${place})` : `    at ${place}`;
}

/** A property of something thrown, as text; "" where there is none or reading it fails. */
export function textOf(error, key) {
  try {
    const value = error[key];
    return value === undefined || value === null ? "" : String(value);
  } catch {
    return "";
  }
}

const recorded = Object.getOwnPropertyDescriptor(Error.prototype, "stack")?.get;

/** The stack as the engine recorded it, whatever the code did to Error.prototype. */
function stackText(error) {
  if (recorded === undefined || Object.hasOwn(error, "stack")) return textOf(error, "stack");
  const stack = Reflect.apply(recorded, error, []);
  return typeof stack === "string" ? stack : textOf(error, "stack");
}

export function headline(error) {
  const name = textOf(error, "name") || "Error", message = textOf(error, "message");
  return message ? `${name}: ${message}` : name;
}

/** The position in the submitted code for one in the text that was run; set for each request. */
export const mapping = { file: "", source: "", position: (line, column) => [line, column] };

export function mapped(frame) {
  if (frame.file !== mapping.file) return frame;
  const [line, column] = mapping.position(frame.line, frame.column);
  return { ...frame, line, column };
}

/** `Name: message` and the frames, for one error. */
export function stackOf(error) {
  return [headline(error), ...framesOf(error).map(frameText)].join("\n");
}
