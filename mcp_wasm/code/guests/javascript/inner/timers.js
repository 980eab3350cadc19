// Timers and the event loop: jobs of promises first, then the timer that is due next, as in Node.
import { Ended } from "./ending.js";
import { Refused } from "./refused.js";

const STUCK = "the code awaits a promise that nothing is left to settle";
const STUCK_HINT = "Look for a promise whose resolve or reject is never called.";
const SHORTEST = 1; // Milliseconds, as in Node; one is not worth sleeping.
const waiting = []; // in the order of `at`, then of arrival
const known = new Map();
const ticks = [];
let last = 0;
let begun = 0;

/** The clock that timers and performance.now go by begins with each request. */
export function startClock() {
  if (begun === 0) begun = engine.now();
}

export function elapsed() {
  return engine.now() - begun;
}

/** Call `callback` after `delay` milliseconds, again and again with `repeat`; returns its number. */
export function add(callback, delay, repeat) {
  const milliseconds = delay >= SHORTEST && delay <= 2147483647 ? delay : SHORTEST;
  const timer = { id: ++last, callback, at: 0, every: repeat ? milliseconds : 0 };
  known.set(timer.id, timer);
  schedule(timer, engine.now() + milliseconds);
  return timer.id;
}

export function clear(id) {
  const timer = known.get(Number(id));
  if (timer === undefined) return;
  known.delete(timer.id);
  const place = waiting.indexOf(timer);
  if (place >= 0) waiting.splice(place, 1);
}

function schedule(timer, at) {
  timer.at = at;
  let low = 0, high = waiting.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (waiting[middle].at <= at) low = middle + 1;
    else high = middle;
  }
  waiting.splice(low, 0, timer);
}

/** The value of `promise`, once it is settled; throws its reason, or what a timer threw. */
export function settle(promise) {
  for (;;) {
    runJobs(promise);
    const state = engine.promiseState(promise);
    if (state === 1) return engine.promiseResult(promise);
    if (state === 2) throw engine.promiseResult(promise);
    if (!fire()) throw new Refused("Error", STUCK, null, null, STUCK_HINT);
  }
}

/** The value, awaited where it is a promise, once no timer is left. */
export function finish(value) {
  const result = isThenable(value) ? settle(new Promise((resolve) => resolve(value))) : value;
  do runJobs();
  while (fire());
  return result;
}

function isThenable(value) {
  return ((typeof value === "object" && value !== null) || typeof value === "function")
    && typeof value.then === "function";
}

/** process.nextTick: `callback` comes before the jobs of promises. */
export function nextTick(callback) {
  ticks.push(callback);
}

function runJobs(main) {
  do {
    while (ticks.length) {
      ticks.shift()();
      if (engine.ended()) throw new Ended();
    }
    do if (engine.ended()) throw new Ended();
    while (engine.runJob());
  } while (ticks.length);
  const unhandled = engine.rejections();
  for (let i = 0; i < unhandled.length; i += 2) {
    if (unhandled[i] !== undefined && unhandled[i] !== main) throw unhandled[i + 1];
  }
}

/** Run the timer that is due next, waiting for it; false if there is none. */
function fire() {
  const timer = waiting.shift();
  if (timer === undefined) return false;
  const rest = timer.at - engine.now();
  if (rest > SHORTEST) engine.sleep(rest);
  if (timer.every) schedule(timer, Math.max(timer.at, engine.now()) + timer.every);
  else known.delete(timer.id);
  const { callback } = timer;
  callback();
  return true;
}
