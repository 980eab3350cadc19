// There is no network: fetch says so. AbortController is here for code that passes signals about.

export async function fetch(input) {
  const error = new TypeError(`fetch failed: there is no network here (${String(input?.url ?? input).slice(0, 200)})`);
  error.code = "ENETUNREACH";
  throw error;
}

export class AbortSignal {
  aborted = false;
  reason = undefined;
  onabort = null;
  #listeners = [];
  addEventListener(type, listener) { if (type === "abort") this.#listeners.push(listener); }
  removeEventListener(type, listener) { this.#listeners = this.#listeners.filter((each) => each !== listener); }
  throwIfAborted() { if (this.aborted) throw this.reason; }
  static abort(reason) {
    const signal = new AbortSignal();
    end(signal, reason);
    return signal;
  }
  static timeout(milliseconds) {
    const signal = new AbortSignal();
    own.timers.add(() => end(signal, new DOMException("The operation timed out.", "TimeoutError")), milliseconds, false);
    return signal;
  }
  static end(signal, reason) {
    if (signal.aborted) return;
    signal.aborted = true;
    signal.reason = reason ?? new DOMException("This operation was aborted", "AbortError");
    const event = { type: "abort", target: signal };
    signal.onabort?.(event);
    for (const listener of signal.#listeners) typeof listener === "function" ? listener(event) : listener.handleEvent(event);
  }
}

const { end } = AbortSignal;
delete AbortSignal.end;

export class AbortController {
  signal = new AbortSignal();
  abort(reason) { end(this.signal, reason); }
}
