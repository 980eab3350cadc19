// Tools that were granted to the code, through mcp-wasm:tools/call.
import { camel } from "./types.js";

let listed;

/** Called before each request: what was granted may be more or less than for the one before. */
export function forgetTools() {
  listed = undefined;
}

/** [{name, published, description, parameters: [name, ...]}] of the tools that may be called; one array a request. */
export function describeTools() {
  listed ??= engine.tools().map(([published, description, text]) => {
    const parameters = Object.keys(parsed(text).properties ?? {});
    return { name: camel(published), published, description, parameters };
  });
  return listed;
}

/** A tool that was not granted is refused here, so that a person is told which one was wanted. */
export function askFor(name) {
  const published = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  // To ask for a tool is to call it, which nobody wants of one that is there under another spelling.
  if (describeTools().some((tool) => tool.published === published)) return [published, "unknown", `it is called ${published}`];
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
