# Everything runs in .venv, which `make setup` keeps up to date; the work is done in Python.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/set-up
SOURCES := pyproject.toml requirements-dev.txt $(wildcard plugins/*/pyproject.toml)

.PHONY: run stop setup test check bench man

# From a fresh clone to a VM in state RUNNING.
run: setup
	@$(BIN)/one up

# End what `make run` started: guests, bridge, daemons.
stop:
	@if [ -x $(BIN)/one ]; then $(BIN)/one down; else echo "nothing runs from here: there is no $(VENV)"; fi

# From a fresh clone to a passed test suite; what the tests need is installed where that may be done.
# As many processes as cores run the tests, dealt out as conftest.py says.
test: setup
	@$(BIN)/pytest -n auto --maxprocesses 8 --no-loadscope-reorder --timeout=900

# Format, lint, types, layering.
check: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy --explicit-package-bases opennebula_core plugins tests bench docs/plugins/examples conftest.py
	@$(BIN)/pytest tests/test_layering.py

# The benchmarks, beside the figures of the reference.
bench: setup
	@$(BIN)/python -m bench

# Man pages of all programs, in build/man/man1.
man: setup
	@$(BIN)/one manual build/man/man1

setup: $(STAMP)

$(STAMP): $(SOURCES)
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(MAKE) --no-print-directory debian-python
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed, as in: make PYTHON=python3.12" >&2; exit 1; }
	@[ -x $(BIN)/pip ] || $(PYTHON) -m venv $(VENV)
	@echo "installing the packages into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --root-user-action=ignore -r requirements-dev.txt
	@touch $@

# Debian keeps the module that makes virtual environments in a package of its own.
.PHONY: debian-python
debian-python:
	@[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		|| { echo "Python's venv module is missing: install it, on Debian with: sudo apt-get install python3-venv" >&2; exit 1; }
	@echo "installing python3-venv ..."
	@apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null
