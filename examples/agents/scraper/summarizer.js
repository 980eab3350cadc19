// The summarizer: has a language model say in a few sentences what a page says.
// Where there is no model a fallback answers, which needs neither key nor network.

const effect = (tag, val) => ({ tag, val });
const store = (key, value) => effect("store", { key, value });

export function handle(context, message) {
  const payload = JSON.parse(message.payload);
  if (message.kind === "llm_task") {
    const page = JSON.stringify({ title: payload.title });
    return [
      store(`page/${payload.job}`, page),
      effect("ask-llm", { operation: "summarize", input: payload.text, tag: payload.job }),
    ];
  }
  // The model's answer; `re` is the tag that the question had.
  const key = `page/${message.re}`;
  const page = Object.fromEntries(context.memory)[key];
  if (message.kind !== "llm_result" || page === undefined) return [];
  const summary = {
    what: "summary",
    job: message.re,
    title: JSON.parse(page).title,
    text: payload.text ?? `No summary: ${payload.error}`,
    status: payload.status,
  };
  return [
    store(key, null),
    effect("send", {
      to: "coordinator",
      payload: JSON.stringify(summary),
      priority: "normal",
      kind: "state_update",
    }),
  ];
}
