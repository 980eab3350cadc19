export function inspect(value) {
  if (typeof value === "string") return JSON.stringify(value);
  try { return typeof value === "object" ? JSON.stringify(value) : String(value); } catch { return "?"; }
}
export function format(args) {
  const parts = [];
  for (let i = 0; i < args.length; i++) parts.push(typeof args[i] === "string" ? args[i] : inspect(args[i]));
  return parts.join(" ");
}
