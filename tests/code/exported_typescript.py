"""TypeScript that runs as a script and as a component, with calls that must end alike."""

from __future__ import annotations

from typing import Any

Call = tuple[str, dict[str, Any]]

TYPESCRIPT = """
export enum Colour { Red = "red", DarkBlue = "DARK BLUE", Numbered = 3 }
type Mode = "fast" | "very exact";
type Shape = { kind: "circle"; radius: number } | { kind: "square"; side: bigint } | { kind: "nothing" };

/** A thing. */
interface Item {
  itemName: string;
  user_id?: bigint;
  colour: Colour | null;
  tags?: string[];
  when?: Date;
}

/** Multiply. */
export function whole(a: bigint, b: bigint = 2n): bigint {
  if (typeof a !== "bigint" || typeof b !== "bigint") throw new Error("no bigint");
  return a * b;
}

export function real(a: number, b: number = 1): number { return b === 0 ? NaN : a / b; }

export function truth(a: boolean, b?: boolean): [boolean, boolean] { return [!a, b === undefined]; }

export function text(a: string, times: number = 1): string { return [...a].reverse().join("").repeat(times); }

export function raw(a: Uint8Array): Uint8Array {
  if (!(a instanceof Uint8Array)) throw new Error("no bytes");
  return a.slice().reverse();
}

export function lists(a: number[][], b: Set<string>): string[] {
  if (!(b instanceof Set) || !(a instanceof Array)) throw new Error("no set");
  return [String(a.flat().length), ...[...b].sort()];
}

export function mapped(a: Record<string, number>, b: Map<bigint, string[]>): Map<string, bigint> {
  const found = new Map(Object.entries(a).map(([key, value]) => [key, BigInt(value)] as [string, bigint]));
  for (const [key, value] of b) found.set(value.join(), key);
  return found;
}

export function items(list: Item[], first?: Item): Item[] {
  const made = list.map((each) => (
    { ...each, itemName: each.itemName.toUpperCase(), colour: Colour.DarkBlue }));
  return first === undefined ? made : [...made, first];
}

export function keys(item: Item): string[] { return Object.keys(item); }

export function mode(a: Mode = "fast"): Mode { return a === "fast" ? "very exact" : "fast"; }

export function colour(a: Colour): Colour { return a === Colour.Numbered ? Colour.Red : Colour.Numbered; }

export function shape(a: Shape): Shape {
  switch (a.kind) {
    case "circle": return { kind: "square", side: BigInt(a.radius) };
    case "square": return { kind: "nothing" };
    default: return { kind: "circle", radius: 1.5 };
  }
}

export function either(a: string | bigint | number[]): string | bigint | number[] {
  if (typeof a === "string") return BigInt(a.length);
  return typeof a === "bigint" ? [Number(a)] : a.join("-");
}

export function day(a: Date): Date { return new Date(a.getTime() + 86400000); }

export async function later(a: number | null): Promise<string> {
  await null;
  return a === null ? "null" : String(a);
}

export function nothing(a?: string): void {}

export function fails(a: string): number { throw new RangeError("no number: " + a); }

export function wrong(a: number): string { return a as unknown as string; }
"""

TYPESCRIPT_CALLS: list[Call] = [
    ("whole", {"a": 3}),
    ("whole", {"a": "9007199254740993", "b": 1}),
    ("whole", {"a": -9007199254740993, "b": None}),
    ("real", {"a": 1, "b": 3}),
    ("real", {"a": 0.1}),
    ("real", {"a": 5e-324}),
    ("real", {"a": 1.7976931348623157e308}),
    ("real", {"a": 123456789.125}),
    ("real", {"a": "-Infinity"}),
    ("real", {"a": 1, "b": 0}),
    ("truth", {"a": True}),
    ("truth", {"a": False, "b": False}),
    ("text", {"a": 'añ\n"\\\u0001😀', "times": 2}),
    ("text", {"a": ""}),
    ("raw", {"a": "AQID/w=="}),
    ("raw", {"a": []}),
    ("raw", {"a": [1, 2]}),
    ("lists", {"a": [[1, 2], []], "b": ["y", "x"]}),
    ("mapped", {"a": [["one", 1], ["__proto__", 2]], "b": [[5, ["x", "y"]]]}),
    ("items", {"list": [{"item-name": "a", "colour": None}]}),
    (
        "items",
        {
            "list": [],
            "first": {
                "item-name": "f",
                "user-id": "9007199254740993",
                "colour": "numbered",
                "tags": ["t"],
                "when": "2026-11-21T10:00:00.000Z",
            },
        },
    ),
    ("keys", {"item": {"item-name": "a", "colour": "red", "user-id": 1}}),
    ("mode", {}),
    ("mode", {"a": "very-exact"}),
    ("colour", {"a": "dark-blue"}),
    ("colour", {"a": "numbered"}),
    ("shape", {"a": {"tag": "circle", "val": {"radius": 2}}}),
    ("shape", {"a": {"tag": "square", "val": {"side": 2}}}),
    ("shape", {"a": {"tag": "nothing"}}),
    ("either", {"a": {"tag": "string", "val": "five"}}),
    ("either", {"a": {"tag": "bigint", "val": 5}}),
    ("either", {"a": {"tag": "array", "val": [1, 2.5]}}),
    ("day", {"a": "2026-11-21T10:00:00.000Z"}),
    ("day", {"a": "never"}),
    ("later", {"a": None}),
    ("later", {"a": 5}),
    ("nothing", {}),
    ("fails", {"a": "x"}),
    ("wrong", {"a": 1}),
]
