# Each target makes the environment it needs in .venv, and renews it when its lock file is newer.
# ARGS=... is passed on: make test ARGS="tests/streams -k dedup"

MAKEFLAGS += --no-print-directory
VENV := .venv
BIN := $(VENV)/bin
INSTALL := locks/install
PROJECT := pyproject.toml $(INSTALL)

.DEFAULT_GOAL := help
.PHONY: help demo up test faults bench lint peers docs lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.run ## a real alert, its cause, two signatures, one pod replaced: PASS or FAIL for each step
	@$(BIN)/awoooi demo $(ARGS)

up: $(VENV)/.run ## the whole system on this machine, until ctrl-C
	@$(BIN)/awoooi up $(ARGS)

test: $(VENV)/.dev ## all tests; those whose peer cannot run here are skipped by name
	@$(BIN)/pytest $(ARGS)

faults: $(VENV)/.dev ## only the tests that kill and restart parts; ROUNDS=50 kills of the executor at each point
	@AWOOOI_TEST_ROUNDS=$(or $(ROUNDS),50) $(BIN)/pytest -m faults $(ARGS)

bench: $(VENV)/.bench ## the benchmarks against Apache Kafka; JSON=file writes the figures
	@$(BIN)/python -m benchmarks $(if $(JSON),--json $(JSON)) $(ARGS)

lint: $(VENV)/.dev ## ruff (rules and format) and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

peers: $(VENV)/.dev ## fetch and build the test peers beforehand; says what is missing
	@$(BIN)/python -m tests.peers

docs: $(VENV)/.dev ## the documents and schemas that are generated from the event catalogue
	@$(BIN)/python -m schemas.docs $(ARGS)

lock: $(VENV)/.dev ## the lock files anew from pyproject.toml; ARGS=--upgrade for newer versions
	@locks/compile $(ARGS)

clean: ## the environment and all caches; the state of `make up` stays
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.run: locks/run.txt $(PROJECT)
	@$(INSTALL) run

$(VENV)/.dev: locks/dev.txt $(PROJECT)
	@$(INSTALL) dev

$(VENV)/.bench: locks/bench.txt $(PROJECT)
	@$(INSTALL) bench
