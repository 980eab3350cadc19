// Gets the alarms and keeps them: each once, and how many came again under an id that it had seen.

export function handle(context, message) {
  const kept = JSON.parse(Object.fromEntries(context.memory).alarms ?? '{"ids":[],"numbers":[],"again":0}');
  const alarm = JSON.parse(message.payload);
  if (alarm.what === "told") {
    return [{ tag: "reply", val: { re: "", payload: JSON.stringify(kept), failed: false } }];
  }
  if (kept.ids.includes(message.id)) {
    kept.again += 1;
  } else {
    kept.ids.push(message.id);
    kept.numbers.push(alarm.number);
  }
  return [{ tag: "store", val: { key: "alarms", value: JSON.stringify(kept) } }];
}
