"""Writes tables.zig: for each code point the properties that UAX #29 asks for.

Run by hand when Unicode changes: ``pip install regex``, then ``python make_tables.py``.
"""

from __future__ import annotations

from pathlib import Path

import regex

GCB = ["Other", "CR", "LF", "Control", "Extend", "ZWJ", "RI", "Prepend", "SpacingMark", "L", "V", "T", "LV", "LVT"]
WB = [
    "Other", "CR", "LF", "Newline", "Extend", "ZWJ", "Format", "Katakana", "Hebrew_Letter", "ALetter", "Single_Quote",
    "Double_Quote", "MidNumLet", "MidLetter", "MidNum", "Numeric", "ExtendNumLet", "RI", "WSegSpace",
]  # fmt: skip
INCB = ["None", "Linker", "Consonant", "Extend"]
ALL = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
TEXT = "".join(map(chr, ALL))
LONG = {"RI": "Regional_Indicator"}


def having(pattern: str) -> set[int]:
    """The code points that the pattern matches."""
    return {ord(char) for char in regex.findall(pattern, TEXT)}


def classes(name: str, values: list[str]) -> dict[int, int]:
    """The index of the value of a property, by code point; 0 is left out."""
    found: dict[int, int] = {}
    for index, value in enumerate(values[1:], 1):
        for code in having(rf"\p{{{name}={LONG.get(value, value)}}}"):
            found[code] = index
    return found


def main() -> None:
    gcb, wb, incb = classes("GCB", GCB), classes("WB", WB), classes("InCB", INCB)
    flags = {
        "pict": having(r"\p{Extended_Pictographic}"),
        "lower": having(r"\p{SB=Lower}"),
        "ends": having(r"\p{SB=STerm}"),
        "closes": having(r"\p{SB=Close}"),
        "space": having(r"\p{White_Space}"),
        "east": having(r"[\p{Script=Han}\p{Script=Hiragana}]"),
        "letter": having(r"[\p{L}\p{N}]"),
    }
    kinds: dict[tuple[int, ...], int] = {}
    ranges: list[tuple[int, int]] = []
    for code in ALL:
        kind = (gcb.get(code, 0), wb.get(code, 0), incb.get(code, 0), *(int(code in f) for f in flags.values()))
        index = kinds.setdefault(kind, len(kinds))
        if not ranges or ranges[-1][1] != index:
            ranges.append((code, index))
    names = [[value.lower() for value in values] for values in (GCB, WB, INCB)]
    lines = [
        "//! Made by make_tables.py. Properties of code points for UAX #29; each range goes to the next one's begin.",
        "",
        f"pub const Gcb = enum(u8) {{ {', '.join(names[0])} }};",
        f"pub const Wb = enum(u8) {{ {', '.join(names[1])} }};",
        f"pub const Incb = enum(u8) {{ {', '.join(names[2])} }};",
        "pub const Kind = struct { gcb: Gcb, wb: Wb, incb: Incb, "
        + ", ".join(f"{name}: bool" for name in flags)
        + " };",
        "",
        "pub const kinds = [_]Kind{",
    ]
    for kind in kinds:
        fields = [f".gcb = .{names[0][kind[0]]}", f".wb = .{names[1][kind[1]]}", f".incb = .{names[2][kind[2]]}"]
        fields += [f".{name} = {'true' if on else 'false'}" for name, on in zip(flags, kind[3:], strict=True)]
        lines.append(f"    .{{ {', '.join(fields)} }},")
    lines += ["};", "", "/// The first code point of a range, times 256, plus the index of its kind.", "pub const ranges = [_]u32{"]
    packed = [f"0x{code << 8 | index:x}," for code, index in ranges]
    lines += ["    " + " ".join(packed[at : at + 10]) for at in range(0, len(packed), 10)]
    lines += ["};", ""]
    Path(__file__).with_name("tables.zig").write_text("\n".join(lines), encoding="utf-8")
    print(len(kinds), "kinds,", len(ranges), "ranges")


if __name__ == "__main__":
    main()
