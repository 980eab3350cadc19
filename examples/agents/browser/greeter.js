// The agent that the page talks to: greets who asks, and tells everybody who hears `greetings` of it.

export function handle(context, message) {
  const { name } = JSON.parse(message.payload);
  if (typeof name !== "string" || !name) throw new Error("expected a name");
  const greeted = Number(Object.fromEntries(context.memory).greeted ?? "0") + 1;
  const text = `Hello, ${name}! You are number ${greeted}.`;
  return [
    { tag: "store", val: { key: "greeted", value: String(greeted) } },
    { tag: "reply", val: { re: "", payload: JSON.stringify({ text, asker: message.from }), failed: false } },
    { tag: "publish", val: { subject: "greetings.new", payload: JSON.stringify({ name, greeted }) } },
  ];
}
