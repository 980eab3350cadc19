# One command each. Every target makes its own virtual environment when there is none,
# and brings it up to date when pyproject.toml has changed.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

# How many processes the tests run in: one for each CPU, but four at most. One file's tests stay in one
# process and in order. `make test JOBS=0` runs them in this one, for a debugger or -s.
JOBS   ?= auto
APART  := --numprocesses $(JOBS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo test check fix bench

help:
	@echo "make demo    build the bundled tools and call each of them through an MCP client"
	@echo "make test    the tests (those that need no toolchain)"
	@echo "make check   formatting, lint, types, import contracts, module sizes"
	@echo "make fix     what of that can be mended by a program"
	@echo "make bench   the benchmarks, as ratios against a baseline of the same run"

demo: $(VENV)/.built
	$(BIN)/python examples/01_demo.py $(ARGS)

test: $(VENV)/.tested
	$(BIN)/python -m pytest $(APART) $(ARGS)

check: $(VENV)/.tested
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tests/project/sizes.py

fix: $(VENV)/.tested
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.built $(VENV)/.tested
	$(BIN)/python -m benchmarks $(ARGS)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed; say which one: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV) || \
	    { rm -rf $(VENV); echo "python3 has no venv module; on Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.built: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[build]'
	@touch $@

$(VENV)/.tested: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
