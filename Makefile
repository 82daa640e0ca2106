# Everything runs in the project's own .venv, built from what python3 brings.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := $(shell find sptrader_stream actors -name '*.py')
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install --no-deps
UV := $(BIN)/uv --quiet pip
# Hashes for every platform, and no index address: whoever installs brings their own.
COMPILE := $(UV) compile --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header

.DEFAULT_GOAL := help
.PHONY: help setup tools peers demo test lint types bench lock clean

help: ## show the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 14

setup: .venv/kernels.stamp ## build .venv from the locked requirements and compile the kernels

tools: setup .venv/development.stamp

demo: setup ## run a backtest on synthetic candles and show its result
	@$(BIN)/sptrader demo

# In environments of their own, which benchmarks share: they bring too much to be installed beside the project.
peers: tools ## install the engines that the tests compare fills with
	@$(BIN)/python -m tests.peers

test: tools peers ## run the tests
	$(BIN)/python -m pytest

lint: tools ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: tools ## check types, strictly
	$(BIN)/mypy

bench: tools ## measure speed, beside other engines
	$(BIN)/python -m benchmarks

lock: setup ## resolve the locked versions again, within what pyproject.toml allows
	$(COMPILE) --output-file requirements/setup.txt --group setup
	$(COMPILE) --output-file requirements/runtime.txt pyproject.toml
	$(COMPILE) --output-file requirements/development.txt --group test --group lint \
	    --constraint requirements/setup.txt --constraint requirements/runtime.txt

clean: ## remove .venv and everything generated (results in backtests/ stay)
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
	find sptrader_stream actors tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "error: $(PYTHON) must be Python 3.11 or newer, found: $$($(PYTHON) --version 2>&1); choose another with make PYTHON=..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	    || { echo "error: $(PYTHON) lacks venv or ensurepip; install them (Debian, Ubuntu: apt install python3-venv)" >&2; exit 2; }
	$(PYTHON) -m venv --clear .venv

.venv/setup.stamp: requirements/setup.txt | .venv/bin/python
	$(PIP) --require-hashes --requirement $<
	@touch $@

# uv is several times faster; where it finds no packages (it does not read pip's configuration), pip does it.
.venv/runtime.stamp .venv/development.stamp: .venv/%.stamp: requirements/%.txt .venv/setup.stamp
	$(UV) install --no-deps --python $(BIN)/python --require-hashes --requirement $< \
	    || $(PIP) --require-hashes --requirement $<
	@touch $@

.venv/project.stamp: pyproject.toml .venv/runtime.stamp
	$(PIP) --no-build-isolation --editable .
	@touch $@

.venv/kernels.stamp: .venv/project.stamp $(SOURCES)
	$(BIN)/python -m sptrader_stream.precompile
	@touch $@
