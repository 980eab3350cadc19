export function installConsole(define) {
  const { print } = own.console;
  define("console", {
    log(...args) { print(1, args); },
    info(...args) { print(1, args); },
    debug(...args) { print(1, args); },
    warn(...args) { print(2, args); },
    error(...args) { print(2, args); },
  });
}
