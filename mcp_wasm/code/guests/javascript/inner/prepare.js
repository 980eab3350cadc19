// What is done to submitted text before it is run.

export function prepare(source) {
  const { text } = source;
  return {
    text,
    strict: false,
    completes: true,
    mentions: { main: /\bmain\b/.test(text), result: /\bresult\b/.test(text) },
    callsMain: /^(?:await\s+|void\s+)?main\s*\(/m.test(text),
    exports: new Map(),
  };
}
