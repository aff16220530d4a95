# Every target does its own set-up in .venv; Python 3.11 or later, git and make are all it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup demo test test-slow check format bench bench-data bench-tokens bench-train bench-tui pictures clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)

setup: $(READY)  ## make .venv with everything in it

demo: $(READY)  ## the whole journey offline, on the embedded starter (one to three minutes)
	$(BIN)/luthier demo

test: $(READY)  ## the test suite (no network, no GPU)
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not slow"

test-slow: $(READY)  ## long runs of real workers: kills, mixtures, memory; some minutes
	$(BIN)/python -m pytest -q -n 2 --dist loadfile -m slow

check: $(READY)  ## ruff, mypy strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)  ## sort imports and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## measurements, as ratios inside one run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m bench

bench-data: $(READY)  ## a million rows browsed, 100 MB converted, beside datasets and DataTable
	$(BIN)/python -m bench.data_reading
	$(BIN)/python -m bench.data_browsing

bench-tokens: $(READY)  ## masks, encoding and packing beside transformers and TRL; the Tokens screen on 100,000 rows
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m bench.token_masks
	$(BIN)/python -m bench.token_path
	$(BIN)/python -m bench.token_packing
	$(BIN)/python -m bench.tokens_screen

bench-train: $(READY)  ## QLoRA runs beside TRL and the Trainer of transformers; what watching costs (an hour; ARGS=--quick)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m bench.train $(ARGS)
	$(BIN)/python -m bench.train_overhead

bench-tui: $(READY)  ## a million steps on the screen, live plans, what watchers cost a run (some ten minutes)
	$(BIN)/python -m bench.tui_journal
	$(BIN)/python -m bench.plan_live
	$(BIN)/python -m bench.watchers

pictures: $(READY)  ## the README's pictures, from the real app and the demo's runs
	$(BIN)/python docs/pictures.py

clean:  ## remove what the tools leave behind
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
