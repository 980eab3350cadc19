// Tools that were granted to the code, through mcp-wasm:tools/call.
import { camel } from "./types.js";

/** [{name, published, description, parameters: [name, ...], required}] of the tools that may be called. */
export function describeTools() {
  return engine.tools().map(([published, description, text]) => {
    const schema = parsed(text);
    const parameters = Object.keys(schema.properties ?? {});
    return { name: camel(published), published, description, parameters, required: schema.required ?? [] };
  });
}

/** A tool that was not granted is refused here, so that a person is told which one was wanted. */
export function askFor(name) {
  const published = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return [published, ...engine.callTool(published, "{}")];
}

/** ["ok", JSON text] or [kind, text]. */
export function callTool(published, text) {
  return engine.callTool(published, text);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
