# make install | demo | test | test-slow | mutants | bench | bench-balancing | bench-comparison | lint | format
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN := .venv/bin

.PHONY: install demo test test-slow mutants bench bench-balancing bench-comparison lint format

install: .venv/installed

# torch comes first and is pinned in constraints.txt: left alone, pip takes a build with several GB of CUDA.
.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,fast,torchjd]'
	touch $@

demo: install
	$(BIN)/catscale demo

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest

test-slow: install
	$(BIN)/python -m pytest -m slow

mutants: install
	$(BIN)/python -m benchmarks.mutants

bench-balancing: install
	$(BIN)/python benchmarks/balancing.py

bench-comparison: install
	$(BIN)/python benchmarks/comparison.py

bench: install
	$(BIN)/python benchmarks/throughput.py

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
