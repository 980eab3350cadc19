from __future__ import annotations

import pytest

from tests.code import python_library_programs
from tests.code.python import Python
from tests.code.python_mistakes import MISTAKES, Mistake
from tests.code.python_programs import PROGRAMS, Program

pytestmark = [pytest.mark.toolchain, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    "program", [*PROGRAMS, *python_library_programs.PROGRAMS], ids=lambda program: program.name
)
def test_a_program_gives_its_value_and_its_output(python: Python, program: Program) -> None:
    ran = python(program.code, input=program.input, files=program.files)
    assert ran.failure is None, ran.failure
    assert (ran.value, ran.text) == (program.value, program.text)
    assert ran.report.stdout.text == program.stdout
    assert not ran.truncated


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_told_with_its_place_and_a_hint(python: Python, mistake: Mistake) -> None:
    failure = python(mistake.code, input=mistake.input).failure
    assert failure is not None
    assert failure.type == mistake.type
    assert mistake.says in failure.message
    assert failure.line == mistake.line
    assert mistake.column in (None, failure.column)
    assert mistake.hint in failure.hint
    assert bool(mistake.hint) == bool(failure.hint), failure.hint
    assert [part for part in mistake.traceback if part not in failure.traceback] == []
    assert failure.type in failure.traceback
    # What is ours is nobody's business.
    assert '"/' not in failure.traceback
    assert "program.py" not in failure.traceback
