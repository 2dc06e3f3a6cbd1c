# Two commands: `make demo` (the main job on throwaway hosts) and `make test` (everything).
# Both set up all that they need on a Debian machine with root.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := deploy.py rollback.py teardown.py status.py diagnose.py verbs config.py names.py facts plan rollout tasks lab tests bench inventory.py inventories group_data

.PHONY: help env demo lab test test-vm exhaustive bench check lint unit golden clean lock

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 18

check: lint unit ## lint and all tests that need no host and no root

env: $(VENV)/.installed ## the Python environment

# The stamp is written last, so an interrupted installation is done again.
$(VENV)/.installed: requirements.lock
	$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { apt-get update -qq && apt-get install -y -qq python3-venv; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

lint: env ## ruff, mypy, shellcheck
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	command -v shellcheck >/dev/null || { apt-get update -qq && apt-get install -y -qq shellcheck; }
	shellcheck --external-sources host/*.sh

unit: env ## tests of the pure code, golden releases, and host programs with stand-ins
	$(BIN)/pytest -q tests/unit tests/golden tests/host -m 'not sweep and not whole' --numprocesses auto \
	  --cov=facts --cov=plan --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100

# Writes the checked-in releases anew; their diff is what hosts will get.
golden: env ## write the checked-in releases anew
	$(BIN)/python -m tests.golden

lab: env ## throwaway hosts, up
	$(BIN)/python -m lab up

# Tests on different hosts wait for different things, so they run side by side.
test: lint lab ## all tests but those on virtual machines
	$(BIN)/pytest -q tests --ignore-glob='*_vm.py' -m 'not alone and not exhaustive' --numprocesses 3 --dist loadgroup
	$(BIN)/pytest -q tests --ignore-glob='*_vm.py' -m alone

exhaustive: lab ## every case where `test` tries some
	$(BIN)/pytest -q tests -m exhaustive

# What needs another kernel than the machine's own runs on virtual machines, and takes a while.
test-vm: lab ## tests on virtual machines
	$(BIN)/pytest -q tests/lab/test_lab_vm.py tests/lab/test_modes_vm.py

# Prints ratios; nothing is judged by time.
bench: lab ## ratios
	$(BIN)/python -m bench.planning
	$(BIN)/python -m bench.no_op
	$(BIN)/python -m bench.broken_image

demo: env ## the main job on throwaway hosts
	$(BIN)/python -m lab.demo

# Pins every package with its hashes, for every Python and platform at once.
lock: ## pin every package
	uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url \
	  --no-emit-find-links --python-version 3.11 --group dev pyproject.toml -o requirements.lock

clean: ## remove environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
