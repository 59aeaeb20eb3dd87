# Everything a developer or a curious person types. `make` alone tells what there is.
#
# The virtual environment is made with the pinned packages of constraints*.txt (hashes are checked);
# nothing outside .venv is touched, except that `make test` installs players by apt when it may.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
# Two at a time: most tests wait for something, and all ports and folders are their own. Players
# of others are run one at a time: they need the machine for themselves.
PYTEST := $(BIN)/pytest -q -n 2
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup demo check test test-all interop fuzz bench soak stress screenshots fmt clean peers bench-peers

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/runtime: constraints.txt pyproject.toml
	@echo "Setting up .venv (once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "neolink needs Python 3.11 or newer: make PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes -r constraints.txt
	@$(PIP) install --no-deps -e .
	@touch $@

.venv/development: constraints-dev.txt .venv/runtime
	@echo "Adding the development tools (once) ..."
	@$(PIP) install --require-hashes -r constraints-dev.txt
	@touch $@

setup: .venv/development  ## make the virtual environment with all tools

demo: .venv/runtime  ## two simulated cameras and the bridge; prints URLs to play
	@exec $(BIN)/neolink demo

check: .venv/development  ## lint, types, architecture, unit and property tests (no players needed)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) -m "not foreign and not slow and not alone"

test: check peers  ## `check`, and what it has no time for: real players, foreign clients, attacks
	$(PYTEST) --dist loadfile -m "foreign and not slow and not alone" --durations=10
	$(BIN)/pytest -q -m "alone and not slow" --durations=10

test-all: .venv/development peers  ## the whole matrix of players, codecs and encryption levels
	$(PYTEST) -m "not foreign" --durations=10
	$(BIN)/pytest -q -m "foreign" --durations=20

peers:
	@sh scripts/install-peers

interop: .venv/development peers  ## every player in every way it knows (ONLY=player/way); writes docs/interop.md
	PYTHONPATH=tests $(BIN)/python -m interop $(if $(ONLY),--only $(ONLY))

fuzz: .venv/development  ## each fuzz harness for SECONDS (default 60)
	@SECONDS_EACH=$${SECONDS:-60} sh scripts/fuzz

bench: .venv/development bench-peers  ## CPU, latency, memory, start-up beside peers and floors; writes bench/report.md
	$(BIN)/python -m bench

bench-peers:
	@sh scripts/install-bench-peers

soak: .venv/development  ## 20 minutes of faults and bad players (MINUTES=, HOURS=); writes a report
	$(BIN)/python -m soak

stress: .venv/development  ## 50 and 100 players on one camera; writes a report
	$(BIN)/python -m soak.stress

screenshots: .venv/development peers  ## pictures of the page for docs/images; takes SECONDS (300)
	PYTHONPATH=tests $(BIN)/python scripts/screenshots.py

fmt: .venv/development  ## format and fix what a machine can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove the virtual environment and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
