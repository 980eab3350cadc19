from __future__ import annotations

import pytest

from mcp_wasm.build.zig_bindings import PRELUDE, translate
from mcp_wasm.errors import BuildFailed

ZEROES = '@import("std").mem.zeroes'


@pytest.mark.parametrize(
    ("declaration", "zig"),
    [
        ("typedef uint8_t t_kind_t;", "pub const t_kind_t = u8;"),
        ("enum { T_A = 0, T_B = 1 };", "pub const T_A = 0;\npub const T_B = 1;"),
        ("enum { T_A = 1u << 0, T_B = 1u << 9 };", "pub const T_A = 1 << 0;\npub const T_B = 1 << 9;"),
        (
            "typedef struct { t_pair_t *ptr; size_t len; } t_list_t;",
            'pub const t_list_t = extern struct { @"ptr": [*c]t_pair_t = null, @"len": usize = 0 };',
        ),
        (
            "typedef struct { bool is_some; double val; wit_string_t error; } t_x_t;",
            'pub const t_x_t = extern struct { @"is_some": bool = false, @"val": f64 = 0, '
            f'@"error": wit_string_t = {ZEROES}(wit_string_t) }};',
        ),
        (
            "typedef struct { bool is_err; union { t_pair_t ok; uint32_t err; } val; } t_result_t;",
            'pub const t_result_t = extern struct { @"is_err": bool = false, '
            '@"val": extern union { @"ok": t_pair_t, @"err": u32 } = undefined };',
        ),
        ("void t_run(const t_run_args_t *args);", ""),
        ('#include "wit.h"', ""),
    ],
)
def test_each_form_of_the_header_has_its_zig(declaration: str, zig: str) -> None:
    assert translate(declaration) == f"{PRELUDE}{zig}\n"


def test_a_form_that_is_not_known_is_no_silent_gap() -> None:
    with pytest.raises(BuildFailed, match="no Zig for the declaration: int x"):
        translate("int x;")
