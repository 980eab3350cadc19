// The functions behind `console`, which write to stdout (1) and stderr (2).
import { format } from "./inspect.js";

let indent = "";

export function print(stream, args) {
  let text = format(args);
  if (indent) text = indent + text.replaceAll("\n", "\n" + indent);
  engine.write(stream, text + "\n");
}
