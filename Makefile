# make setup | demo | test | lint | acceptance | soak | bench | generate | generated | lock | clean

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.made

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint acceptance soak bench generate generated lock clean

help:
	@sed -n '1s/^# //p' Makefile

setup: $(STAMP)

# The stamp comes last: a set-up that was cut off is done again from the start.
$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else 1)' || { \
		echo "error: $(PYTHON) is $$($(PYTHON) --version 2>&1); willow-sync needs Python 3.11, 3.12 or 3.13" >&2; \
		echo "remedy: install one and name it: make setup PYTHON=python3.13" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: $(STAMP)
	$(BIN)/willow-sync demo

# Everything but the minutes-long fault scenarios.
test: $(STAMP)
	$(BIN)/python -m pytest -q -m "not acceptance"

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

acceptance: $(STAMP)
	$(BIN)/python -m pytest -m acceptance

# Workers under load in bad weather, killed and frozen, for so many minutes: make soak MINUTES=60
MINUTES ?= 10
soak: $(STAMP)
	$(BIN)/python -m tests.acceptance.soak --minutes $(MINUTES)

bench: $(STAMP)
	$(BIN)/python -m ops.benchmarks

# What is made from the code and checked in.
generate: $(STAMP)
	$(BIN)/python -m schemas.generate
	$(BIN)/python -m streams.config.docs
	$(BIN)/python -m ops.emulator.faults.docs
	$(BIN)/python -m streams.willow.docs
	$(BIN)/python -m streams.planning.reasons > docs/reasons.md

# Whether what is checked in is what the code says.
generated: $(STAMP)
	$(BIN)/python -m schemas.generate --check
	$(BIN)/python -m streams.config.docs --check
	$(BIN)/python -m ops.emulator.faults.docs --check
	$(BIN)/python -m streams.willow.docs --check
	$(BIN)/python -m streams.planning.reasons | diff docs/reasons.md - || { echo "run: make generate" >&2; exit 1; }

LOCK := uv pip compile pyproject.toml --generate-hashes --universal --python-version 3.11 \
	--no-emit-find-links --no-header -q

lock:
	$(LOCK) -o requirements.lock
	$(LOCK) --extra dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
