// The TypeScript SDK 2.x as a client.
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [command, ...args] = JSON.parse(process.argv[2]);
const client = new Client({ name: "test", version: "1" });
await client.connect(new StdioClientTransport({ command, args, env: process.env }));
const tools = await client.listTools();
const added = await client.callTool({ name: "demo_add", arguments: { a: 1, b: 2 } });
const failed = await client.callTool({ name: "demo_find", arguments: { name: "" } });
const wrong = await client.callTool({ name: "demo_add", arguments: { a: "one", b: 2 } });
console.log(JSON.stringify({
  tools: tools.tools.map((tool) => tool.name),
  added: added.structuredContent,
  failed: [failed.isError, failed.content[0].text],
  wrong: [wrong.isError, wrong.content[0].text],
}));
await client.close();
