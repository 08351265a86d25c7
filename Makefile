# The README's commands. Everything installs into .venv; nothing else is touched.
PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test check bench bench-peers docs protos clean

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

$(VENV)/.docs: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[docs]'
	touch $@

demo: $(VENV)/.installed  ## the whole path on made-up X-rays
	$(BIN)/medclf demo --out demo-out

test: $(VENV)/.installed  ## every test this machine can run
	$(BIN)/pytest

check: $(VENV)/.installed  ## style, types, floors, fast tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -m 'not slow and not peer'

bench: $(VENV)/.installed  ## ratios against peers
	$(BIN)/python -m validation.benchmarks

bench-peers:  ## peers that must not share our environment, for row 1 of the benchmarks
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet --disable-pip-version-check --requirement validation/benchmarks/peers.txt

docs: $(VENV)/.docs  ## the documentation site, into site/
	$(BIN)/mkdocs build --strict

protos: $(VENV)/.installed  ## generate medclf/service/_pb anew
	$(BIN)/python protos/generate.py

clean:
	rm -rf $(VENV) site demo-out
