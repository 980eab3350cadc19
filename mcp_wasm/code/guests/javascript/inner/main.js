// The runner's own scripts, in a realm that submitted code does not share. `engine` (the C side, see c/engine.c)
// is in scope of every module here; what is returned is what C and the outer realm's scripts may call.
import * as console from "./console.js";
import { exit } from "./ending.js";
import { format } from "./format.js";
import { inspect } from "./inspect.js";
import { exportsOf, load, provide, resolve } from "./modules.js";
import { answer, ended } from "./run.js";
import { askFor, describeTools, callTool } from "./tools.js";
import * as timers from "./timers.js";

export default function () {
  return {
    run: answer, ended, resolve, load, provide, exportsOf, console, timers, format, inspect, exit, askFor, describeTools, callTool,
    compileFunction: (text, file) => engine.evaluate(`(function (exports, require, module, __filename, __dirname) {${text}\n})`, file, 1),
  };
}
