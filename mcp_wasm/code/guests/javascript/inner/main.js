// The runner's own scripts, in a realm that submitted code does not share. `engine` (the C side, see c/engine.c)
// is in scope of every module here; what is returned is what C and the outer realm's scripts may call.
import { answer } from "./run.js";
import * as console from "./console.js";
import * as timers from "./timers.js";
import { load, resolve } from "./modules.js";
import { format, inspect } from "./inspect.js";
import { exit } from "./ending.js";

export default function () {
  return { run: answer, resolve, load, console, timers, format, inspect, exit };
}
