# Each target sets up .venv by itself when it is missing or older than the lock.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
DATA ?= data

.PHONY: help run test test-slow lint fix embedded-generator scrubber-assets bench-sampling bench-scrubbing bench-quality clean

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

$(VENV)/ready: requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@touch $@

run: $(VENV)/ready ## Labels and topics in, an evaluated classifier out (ARGS="--taxonomy goemotions" ...)
	@$(RUN) -m flows.regenerate $(ARGS)

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

bench-scrubbing: $(VENV)/ready ## Scrubbing quality and speed (more of it with DATA)
	@PYTHONPATH=. $(RUN) tests/benchmarks/bench_scrubbing.py --data $(DATA)

bench-quality: $(VENV)/ready ## Hygiene, duplicates, variety
	@PYTHONPATH=. $(RUN) tests/benchmarks/bench_quality.py --real $(DATA)/goemotions

clean: ## Remove caches and build products, never results
	rm -rf .mypy_cache .pytest_cache .ruff_cache build dist
