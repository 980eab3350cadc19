export function installTimers(define) {
  const { add, clear } = own.timers;
  const checked = (callback) => {
    if (typeof callback !== "function") throw new TypeError("the first argument must be a function");
    return callback;
  };
  const bound = (callback, args) => (args.length ? () => callback(...args) : () => callback());
  define("setTimeout", function setTimeout(callback, delay, ...args) {
    return add(bound(checked(callback), args), Number(delay), false);
  });
  define("setInterval", function setInterval(callback, delay, ...args) {
    return add(bound(checked(callback), args), Number(delay), true);
  });
  define("setImmediate", function setImmediate(callback, ...args) {
    return add(bound(checked(callback), args), 0, false);
  });
  for (const name of ["clearTimeout", "clearInterval", "clearImmediate"]) define(name, { [name](id) { clear(id); } }[name]);
}
