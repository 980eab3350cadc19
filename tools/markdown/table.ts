// Tables of a page as lines: columns of text, or the pipes of Markdown.

import { characters } from "./writer.ts";

export type Cells = string[][];

/** A longer cell would push the next column out of sight. */
const WIDEST = 60;

/** Columns that are aligned with spaces; or, where cells are long, one row a line with bars between the cells. */
export function columns(cells: Cells): string {
  const count = longest(cells);
  const widths = Array.from({ length: count }, (_, column) => {
    let width = 0;
    for (const row of cells) width = Math.max(width, characters(row[column] ?? ""));
    return width;
  });
  if (widths.some((width) => width > WIDEST)) return cells.map((row) => row.filter(Boolean).join(" | ")).join("\n");
  const padded = cells.map((row) => row.map((cell, column) => cell + " ".repeat(widths[column] - characters(cell))));
  return padded.map((row) => row.join("  ").trimEnd()).join("\n");
}

/** A table of Markdown, whose first row is its head. A single column is a list of lines. */
export function pipes(cells: Cells): string {
  const count = longest(cells);
  if (count === 1) return cells.map((row) => row[0]).join("\n\n");
  const [head, ...body] = cells.map((row) => {
    const whole = Array.from({ length: count }, (_, column) => (row[column] ?? "").replace(/\|/g, "\\|"));
    return `| ${whole.join(" | ")} |`;
  });
  return [head, `|${" --- |".repeat(count)}`, ...body].join("\n");
}

function longest(cells: Cells): number {
  let most = 0;
  for (const row of cells) most = Math.max(most, row.length);
  return most;
}
