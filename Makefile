# make install | demo | docs | dist | test | test-slow | test-faults | test-python | test-lowest | wheel-test | mutants
# make bench | bench-balancing | bench-comparison | golden | house | lint | format
# make results-CORPUS-TABLE, as in results-cldr-main: trains what is missing, hours; make results: the page alone
# TORCH=cpu or cuda chooses PyTorch's build; auto (the default) takes CUDA where nvidia-smi finds a GPU.
TORCH ?= auto
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN := .venv/bin

.PHONY: install chromium demo docs dist test suite test-slow test-faults test-python test-lowest wheel-test mutants bench bench-balancing bench-comparison results lint format golden house

install: .venv/installed

# torch comes first and is pinned in constraints.txt: left alone, pip takes a build with several GB of CUDA.
# A terminal gets pip's progress bars, a log its plain lines. pip compiles 200 MB of Python on one core, which takes longer than
# the rest: that is left to all cores. What no Python of this version compiles (templates, say) pip passes over too.
.venv/installed: pyproject.toml constraints.txt packaging/install_torch.py
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python packaging/install_torch.py $(TORCH) --constraints constraints.txt
	@echo "installing catscale with everything for development: about 0.6 GB to download"
	$(BIN)/python -m pip install --disable-pip-version-check --no-compile -c constraints.txt -e '.[dev,fast,torchjd,datasets]'
	@$(BIN)/python -m compileall -q -j 0 .venv/lib >/dev/null 2>&1 || true
	touch $@

demo: install
	$(BIN)/catscale demo

# The site into site/, read from the disk without a network; a warning is an error.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The report's page is tested in Debian's browser; where it cannot be installed, these tests skip and say so.
chromium:
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
	  && { apt-get install -qq -y --no-install-recommends chromium >/dev/null 2>&1 \
	  || { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; } >/dev/null 2>&1; }; } \
	  || echo "chromium is missing and cannot be installed here: the tests of the report's page will skip"

# A file of tests stays on one worker: its fixtures are made once. The files come in their own order, which ends with
# short ones; by numbers of tests, xdist's own, one file of a few long tests is left to one core at the end.
BOTH := -n 2 --dist loadfile --no-loadscope-reorder
suite: install chromium
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(BOTH)

# Side by side: the browser's installation with pip's, and the type checker, whose one process takes a minute and more,
# with the tests: no core is left without work.
test:
	@$(MAKE) --no-print-directory --jobs=2 lint suite

test-slow: install
	$(BIN)/python -m pytest -m slow

# An hour and more; FAULTS="--every 10 --tries 10 --seconds 10" is a sample.
test-faults: install
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check 'atheris>=2.3'  # where it installs
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.faults $(FAULTS)

# The wheel and the source distribution; URL=https://… makes the README's links lead to the repository there.
dist: install
	$(BIN)/python packaging/make_dist.py $(if $(URL),--url $(URL))

# The suite with another Python, in an environment of its own: make test-python PYTHON=python3.13 [TESTS="tests/data"]
test-python:
	test -x .venv-$(notdir $(PYTHON))/bin/python || $(PYTHON) -m venv .venv-$(notdir $(PYTHON))
	.venv-$(notdir $(PYTHON))/bin/python packaging/install_torch.py $(TORCH) --constraints constraints.txt
	.venv-$(notdir $(PYTHON))/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,fast,torchjd,datasets]'
	OMP_NUM_THREADS=1 .venv-$(notdir $(PYTHON))/bin/python -m pytest $(BOTH) $(TESTS)

# The lowest versions that pyproject.toml allows. PyTorch's is LOWEST_TORCH, where that can be had as a CPU build; the
# tests are those of what the libraries compute and read, with the tools for testing as they are in constraints.txt.
LOWEST := .venv-lowest/bin/python
LOWEST_EXTRAS := fast,hf,parquet,torchjd,tensorboard
LOWEST_TORCH ?= 2.11.0
LOWEST_TESTS ?= tests/balancing tests/sampling tests/landscape tests/model tests/vocabulary tests/data tests/evaluation tests/training tests/settings
test-lowest:
	test -x $(LOWEST) || $(PYTHON) -m venv .venv-lowest
	$(LOWEST) packaging/lowest.py --except torch --extras $(LOWEST_EXTRAS) > .venv-lowest/constraints.txt
	echo torch==$(LOWEST_TORCH) >> .venv-lowest/constraints.txt
	$(LOWEST) packaging/install_torch.py $(TORCH) --constraints .venv-lowest/constraints.txt
	$(LOWEST) -m pip install --quiet --disable-pip-version-check -c .venv-lowest/constraints.txt -e '.[$(LOWEST_EXTRAS)]' \
	  pytest pytest-timeout pytest-xdist hypothesis
	OMP_NUM_THREADS=1 $(LOWEST) -m pytest $(BOTH) $(LOWEST_TESTS)

# The wheel, built, installed alone in an empty environment outside the repository, and run for a few steps.
wheel-test: install
	$(BIN)/python packaging/check_wheel.py --torch $(TORCH)

mutants: install
	$(BIN)/python -m benchmarks.mutants

# The resolved settings on record, after a default was changed on purpose; the change is then a line of the diff.
golden: install
	$(BIN)/python tests/run/make_golden.py

# How the source is built, in numbers, and where the outliers are.
house: install
	$(BIN)/python -m benchmarks.house

bench-balancing: install
	$(BIN)/python benchmarks/balancing.py
	$(BIN)/python -m benchmarks.flatness

bench-comparison: install
	$(BIN)/python benchmarks/comparison.py

results: install
	$(BIN)/python docs/make_results.py

# The runs stay under runs/experiments; done ones are not repeated. The corpora are expected where CATSCALE_DATA says.
results-%: install
	$(BIN)/python -m experiments.run $*; \
	  status=$$?; $(BIN)/python docs/make_results.py && exit $$status

bench: install
	$(BIN)/python -m benchmarks.throughput

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
