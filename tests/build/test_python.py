from __future__ import annotations

from pathlib import Path

import pytest

from mcp_wasm.build import python
from mcp_wasm.build.toolchain import Source, silent
from mcp_wasm.errors import BuildFailed, ToolchainMissing

pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(300)]
WIT = "package t:t;\nworld thing { export run: func() -> string; }"
HEAD = (
    "import wit_world\nclass WitWorld(wit_world.WitWorld):\n    def run(self) -> str:\n        return OUT\n"
)


def source(folder: Path, top: str, packages: tuple[str, ...] = ()) -> Source:
    (folder / "app.py").write_text(f"{top}\n{HEAD}", encoding="utf-8")
    return Source("thing", folder, "app.py", WIT, "thing", packages)


@pytest.fixture(autouse=True)
def needs_componentize_py() -> None:
    if python.available() is not None:
        pytest.skip("componentize-py is not installed")


def test_top_level_code_cannot_plant_a_file_in_the_hosts_site_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attack: a .pth file runs code in every later start of the host's Python."""
    victim = tmp_path / "venv"
    packages = victim / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    monkeypatch.setenv("VIRTUAL_ENV", str(victim))
    top = (
        "import os, sys\nOUT = ''\n"
        "for place in sys.path:\n"
        "    try:\n        open(os.path.join(place, 'planted.pth'), 'w').write('import os')\n"
        "    except OSError:\n        pass\n"
    )
    app = tmp_path / "app"
    app.mkdir()
    python.compile_source(source(app, top), None, silent)
    assert [path for path in (packages, app) if (path / "planted.pth").exists()] == []


def test_top_level_code_sees_no_package_of_the_host_that_was_not_named(tmp_path: Path) -> None:
    top = (
        "try:\n    import pytest\nexcept ImportError:\n    OUT = ''\nelse:\n    raise ValueError('in reach')"
    )
    assert python.compile_source(source(tmp_path, top), None, silent).startswith(b"\0asm")


def test_what_the_source_raises_while_it_is_imported_is_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="no such luck"):
        python.compile_source(source(tmp_path, "raise ValueError('no such luck')"), None, silent)


def test_a_library_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolchainMissing, match="no_such_library"):
        python.compile_source(source(tmp_path, "OUT = ''", ("no_such_library",)), None, silent)
