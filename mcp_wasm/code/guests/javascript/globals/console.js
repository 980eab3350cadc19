// `console`, as Node has it.

export function installConsole(define) {
  const inner = own.console;
  const out = (...args) => inner.print(1, args);
  const error = (...args) => inner.print(2, args);
  define("console", {
    log: out,
    info: out,
    debug: out,
    warn: error,
    error,
    trace(...args) {
      const stack = new Error().stack.split("\n").filter((line) => !/runner:|native/.test(line));
      inner.line(2, ["Trace: " + own.format(args), ...stack].join("\n").trimEnd());
    },
    assert(condition, ...args) {
      if (condition) return;
      if (typeof args[0] === "string") args[0] = `Assertion failed: ${args[0]}`;
      else args.unshift("Assertion failed");
      inner.print(2, args);
    },
    dir(value, options) { inner.dir(value, options); },
    dirxml: out,
    table(data, columns) { inner.printTable(data, columns); },
    group(...args) { inner.group(args); },
    groupCollapsed(...args) { inner.group(args); },
    groupEnd() { inner.groupEnd(); },
    time(label = "default") { inner.time(String(label)); },
    timeLog(label = "default", ...args) { inner.timeLog(String(label), false, args); },
    timeEnd(label = "default") { inner.timeLog(String(label), true, []); },
    count(label = "default") { inner.count(String(label)); },
    countReset(label = "default") { inner.countReset(String(label)); },
  });
}
