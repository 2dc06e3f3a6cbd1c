# Two commands: `make demo` (the main job on throwaway hosts) and `make test` (everything).
# Both set up all that they need on a Debian machine with root.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := deploy.py rollback.py teardown.py facts plan tasks lab tests bench inventory.py inventories group_data

.PHONY: env demo lab test test-vm bench lint unit clean lock

env: $(VENV)/.installed

# The stamp is written last, so an interrupted installation is done again.
$(VENV)/.installed: requirements.lock
	$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { apt-get update -qq && apt-get install -y -qq python3-venv; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

lint: env
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy

unit: env
	$(BIN)/pytest -q tests/unit

lab: env
	$(BIN)/python -m lab up

# Tests on different hosts wait for different things, so they run side by side.
test: lint lab
	$(BIN)/pytest -q tests --ignore-glob='*_vm.py' -m 'not alone' --numprocesses 3 --dist loadgroup
	$(BIN)/pytest -q tests --ignore-glob='*_vm.py' -m alone

# What needs another kernel than the machine's own runs on virtual machines, and takes a while.
test-vm: lab
	$(BIN)/pytest -q tests/lab/test_lab_vm.py tests/lab/test_modes_vm.py

# Prints ratios; nothing is judged by time.
bench: lab
	$(BIN)/python -m bench.broken_image

demo: env
	$(BIN)/python -m lab.demo

# Pins every package with its hashes, for every Python and platform at once.
lock:
	uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url \
	  --no-emit-find-links --python-version 3.11 --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
