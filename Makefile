# Each target sets up .venv by itself when it is missing or older than the lock.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
DATA ?= data

.PHONY: help run test test-slow lint fix embedded-generator scrubber-assets bench-sampling bench-scrubbing bench-quality bench-serving serve audit-packages clean

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

$(VENV)/ready: requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@touch $@

run: $(VENV)/ready ## Labels and topics in, an evaluated classifier out (ARGS="--taxonomy goemotions" ...)
	@$(RUN) -m flows.regenerate $(ARGS)

serve: $(VENV)/ready ## The champion behind an API, with a page (ARGS="--port 8080 --workers 2" ...)
	@$(RUN) -m deployments.api $(ARGS)

test: $(VENV)/ready ## The tests
	$(RUN) -m pytest

test-slow: $(VENV)/ready ## The tests that take minutes
	$(RUN) -m pytest -m slow

lint: $(VENV)/ready ## Style and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

fix: $(VENV)/ready ## Mend style
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

embedded-generator: $(VENV)/ready ## Remake tasks/embedded from DATA (goemotions/ and sst/ inside)
	@$(RUN) -m flows.tune_generator --data $(DATA) --out tasks/embedded

scrubber-assets: $(VENV)/ready ## Remake the scrubber's tables from DATA/ner
	$(RUN) -m pip install --quiet -e '.[scrubber-build]'
	$(RUN) -m tasks.scrubbing.build --ner $(DATA)/ner

bench-sampling: $(VENV)/ready ## Sampling speed beside what one would run instead
	@PYTHONPATH=. $(RUN) tests/benchmarks/bench_sampling.py

bench-scrubbing: $(VENV)/ready ## Scrubbing quality and speed
	@PYTHONPATH=. $(RUN) tests/benchmarks/bench_scrubbing.py

bench-quality: $(VENV)/ready ## Hygiene, duplicates, variety
	@PYTHONPATH=. $(RUN) tests/benchmarks/bench_quality.py --real $(DATA)/goemotions

bench-serving: $(VENV)/ready ## The service beside the plain way; LITSERVE=python of an environment with it
	@PYTHONPATH=. $(RUN) tests/benchmarks/bench_serving.py $(if $(LITSERVE),--litserve $(LITSERVE)) $(ARGS)

audit-packages: ## Known faults of the locked packages
	$(PYTHON) -m venv build/audit
	build/audit/bin/python -m pip install --quiet pip-audit
	build/audit/bin/pip-audit --requirement requirements.lock --no-deps --disable-pip

clean: ## Remove caches and build products, never results
	rm -rf .mypy_cache .pytest_cache .ruff_cache build dist
