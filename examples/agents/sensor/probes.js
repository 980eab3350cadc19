// The probes of three pumps: told to, they send readings to the sensor agent, in plain numbers that
// depend on nothing but the reading's own number, so that whoever looks on knows what has to come out.

const PUMPS = ["pump-1", "pump-2", "pump-3"];

export function handle(context, message) {
  const { first, count } = JSON.parse(message.payload);
  return Array.from({ length: count }, (_, index) => ({
    tag: "send",
    val: {
      to: "sensor@plant",
      payload: JSON.stringify(reading(first + index)),
      priority: "normal",
      kind: "data_transfer",
    },
  }));
}

// Every tenth one of a worn pump, every twenty-fifth one of a failing one.
function reading(number) {
  const wear = number % 25 === 0 ? 2 : number % 10 === 0 ? 1 : 0;
  const jitter = ((number * 37) % 11) / 10 - 0.5;
  return {
    probe: PUMPS[number % PUMPS.length],
    number,
    celsius: 45 + 18 * wear + 4 * jitter,
    vibration: 2 + 3 * wear + 0.8 * jitter,
    ampere: 10 + 2 * wear - jitter,
  };
}
