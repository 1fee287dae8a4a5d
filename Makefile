# Two commands matter: `make demo` and `make test`. Both install what they need into .venv first.

.DEFAULT_GOAL := help
.PHONY: help demo test adapter-suite mutants bench up down docs docs-check lint new-model clean lock

PYTHON ?= python3
CUSTOMERS ?= 500
DAYS ?= 60
WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
# other tools that the benchmarks compare with; an environment of their own keeps them out of ours
OTHERS := .venv-bench
# the second docs site's writer, and what looks at both; see tools/docs-site.in
DOCS := .venv-docs

SITE := $(or $(MAJAKKA_HOME),.)/site
TARGET := $(or $(MAJAKKA_HOME),.)/target

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED) ## a full warehouse from a small telecom operator (CUSTOMERS=500 DAYS=60)
	@$(BIN)/demo run --customers $(CUSTOMERS) --days $(DAYS)

test: $(INSTALLED) ## everything that proves it: lint, types, SQL gates, tests, a full build (WORKERS=2)
	@$(MAKE) --no-print-directory lint
	@$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

adapter-suite: $(INSTALLED) ## dbt's whole public suite for adapters against the Redshift face (three minutes)
	@MAJAKKA_WHOLE_ADAPTER_SUITE=1 $(BIN)/pytest -n $(WORKERS) tests/adapter

mutants: $(INSTALLED) ## models broken in small ways: do the tests notice? (20 minutes; OF="intermediate dim_persons"; MUTANTS=5: of each)
	@MAJAKKA_ALL_MUTANTS=$(or $(MUTANTS),1) MAJAKKA_MUTANTS_OF="$(OF)" $(BIN)/pytest tests/warehouse/test_mutants.py

bench: $(INSTALLED) $(OTHERS)/installed ## what is claimed about speed and faults, measured (two hours; quiet machine)
	@missed=; \
	for each in "ingest --sling $$(echo $(OTHERS)/lib/python*/site-packages/sling_*/bin/sling-*)" kills redshift_face build \
		stream stream_faults incremental freshness collector event_faults; do \
		echo "== $${each%% *}"; \
		$(BIN)/python -m benchmarks.$$each || missed="$$missed $${each%% *}"; \
	done; \
	if [ -n "$$missed" ]; then echo "missed a goal, or failed:$$missed"; exit 1; fi

up: $(INSTALLED) ## start the local warehouse, and the demo operator if there is one
	@$(BIN)/demo up

down: $(INSTALLED) ## stop what is running
	@$(BIN)/demo down

docs: $(INSTALLED) $(DOCS)/installed ## two static docs sites: site/index.html (dbt's), site/lineage.html (of every column)
	@$(BIN)/demo docs
	@$(BIN)/python tools/docs_site.py $(TARGET) $(SITE)/lineage.html

docs-check: $(DOCS)/installed ## both sites, looked at in a headless Chromium (which must be on the machine), after make docs
	@$(DOCS)/bin/python tools/docs_check.py $(SITE)/index.html canvas \
		--go '!/model/model.majakka.customer_view?g_v=1&g_i=%2Bcustomer_view%2B'
	@$(DOCS)/bin/python tools/docs_check.py $(SITE)/lineage.html .react-flow__node \
		--go /model/model.majakka.customer_view --click Lineage

lint: $(INSTALLED) ## ruff, mypy and sqlfluff
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@$(BIN)/python -m tools.lint_sql models tests/dbt

new-model: $(INSTALLED) ## a model to begin with: make new-model MODEL=marts/billing/fct_x READS=fct_payments KEY=payment_id
	@$(BIN)/python -m tools.new_model $(MODEL) --reads $(READS) --key $(KEY)

clean: $(INSTALLED) ## stop what is running and remove the local data
	@$(BIN)/demo clean

lock: ## write requirements.lock anew from pyproject.toml (needs uv)
	@uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --no-strip-extras --quiet --output-file requirements.lock
	@uv pip compile benchmarks/others.in --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --quiet --output-file benchmarks/others.txt
	@uv pip compile tools/docs-site.in --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --quiet --output-file tools/docs-site.txt

$(OTHERS)/installed: benchmarks/others.txt
	@$(PYTHON) -m venv $(OTHERS)
	@$(OTHERS)/bin/pip install --quiet --require-hashes --requirement $<
	@touch $@

$(DOCS)/installed: tools/docs-site.txt
	@$(PYTHON) -m venv $(DOCS)
	@$(DOCS)/bin/pip install --quiet --require-hashes --requirement $<
	@touch $@

$(INSTALLED): requirements.lock pyproject.toml tools/bootstrap.py
	@$(PYTHON) tools/bootstrap.py $(VENV)
