# SPDX-License-Identifier: Apache-2.0
#
# Needs make and Python 3.11 or later, nothing else: everything is set up in $(VENV).

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Tests run side by side in as many processes as there are cores; those of a real Airflow, which has many
# processes itself, in two, a file at a time.
JOBS ?= auto

.PHONY: demo screenshots test unit e2e lint types docs build benchmark constraints install clean

demo: install  ## Replay six days of events through a real Airflow; KEEP=1 leaves its UI up.
	$(BIN)/python -m demo $(if $(KEEP),--keep)

screenshots: install  ## Take the pictures of the docs anew; needs Chromium or Chrome.
	SCREENSHOTS=docs/images $(BIN)/pytest tests/e2e/test_ui.py

test: unit e2e  ## All tests.

unit: install
	$(BIN)/pytest -m "not e2e" -n $(JOBS)

e2e: install
	$(BIN)/pytest -m e2e -n 2 --dist loadfile

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

docs: install $(VENV)/ready-docs  ## The pages below docs/, as HTML in docs/_build/html; a warning is an error.
	$(BIN)/sphinx-build --fail-on-warning --keep-going --nitpicky --fresh-env docs docs/_build/html

build: $(VENV)/ready
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*

# An environment of its own: the Amazon provider's deferrable waits need aiobotocore, which pins boto3.
benchmark:  ## A thousand waits beside the Amazon provider's own pattern.
	$(PYTHON) -m venv $(VENV)-benchmark
	$(VENV)-benchmark/bin/pip install --quiet ".[testing]" psutil "apache-airflow-providers-amazon[aiobotocore]"
	$(VENV)-benchmark/bin/python -m benchmarks.waits
	$(VENV)-benchmark/bin/python -m benchmarks.imports

# The package itself is built and installed anew each time, so that the wheel is what is tested.
install: $(VENV)/ready
	$(BIN)/pip install --quiet --no-deps --force-reinstall --no-build-isolation .

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt pip ".[dev]"
	touch $@

$(VENV)/ready-docs: $(VENV)/ready
	$(BIN)/pip install --quiet --constraint constraints.txt ".[docs]"
	touch $@

# What CI installs, for all Python versions that we support.
constraints:
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade \
		--no-header --no-annotate --no-emit-index-url --output-file constraints.txt

clean:
	rm -rf $(VENV) $(VENV)-benchmark dist build docs/_build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
