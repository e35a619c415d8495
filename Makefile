# The commands of the house. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# what kills and stops processes under load wants the machine for itself
ALONE := tests/e2e/test_crash.py tests/crucible/test_crucible.py

.PHONY: help install run stop check test bench crucible lock docs clean

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

install: $(VENV)/.runtime  ## the runtime alone: a virtual environment and hash-locked packages

$(VENV)/.runtime: requirements/base.txt pyproject.toml
	@echo "Installing Opitios into $(VENV) (hash-locked packages, about a minute after the download)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Opitios needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; say make PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/base.txt
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "Installing the development tools into $(VENV)"
	$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

run: install  ## start everything on this machine and print what to try
	@$(BIN)/opitios run

stop:  ## stop what `make run` started; the data stays
	@$(BIN)/opitios stop

check: $(VENV)/.dev  ## lint, types, import contracts, house rules, dependencies, migrations
	@$(BIN)/python -m tools.check

test: check  ## make check, then the whole suite (or TESTS="tests/stack ...") against real Postgres and Redis
	$(BIN)/python -m pytest -n 2 --dist loadfile $(or $(TESTS),tests $(addprefix --ignore=,$(ALONE)))
	$(if $(TESTS),,$(BIN)/python -m pytest $(ALONE))

bench: $(VENV)/.dev  ## figures and ratios of this machine, printed as one table
	$(BIN)/python -m bench

crucible: install  ## kill and cut everything under load; ORDERS=10000 FAULTS=200 SEED=1 REPORT=file.md
	@$(BIN)/opitios crucible --orders $(or $(ORDERS),300) --faults $(or $(FAULTS),30) --seed $(or $(SEED),1) $(if $(REPORT),--report $(REPORT))

docs: $(VENV)/.dev  ## write docs/requirements.md again from the tests' markers
	$(BIN)/python -m tools.requirements --write

lock:  ## resolve the pinned requirement files again (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements/base.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev -c requirements/base.txt pyproject.toml -o requirements/dev.txt

clean:  ## remove what was built here (never the data)
	rm -rf $(VENV) *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
