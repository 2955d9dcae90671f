# Each target sets up .venv by itself when it is missing or older than the lock.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
SENTIMILL := $(VENV)/bin/sentimill
DATA ?= data
KEEP ?= 14

# One machine by default: server, worker and commands find each other here.
HOST ?= 127.0.0.1
PORT ?= 4200
POOL ?= sentimill
CRON ?= 30 2 * * *
ZONE ?= Europe/Berlin
deploy worker schedule doctor: export PREFECT_API_URL ?= http://$(HOST):$(PORT)/api

TAXONOMY ?= goemotions
ABLATION_DATA = $(if $(filter-out data,$(DATA)),$(DATA),data/goemotions)
ALL_ROWS = --rows-per-arm null --row-passes 130000 --seeds 5

.PHONY: help run test test-slow lint fix docs prune server deploy worker schedule doctor serve ops-test cluster-test embedded-generator scrubber-assets bench-operations bench-startup bench-sampling bench-scrubbing bench-ablation bench-serving bench-quality bench-training bench-data ablation audit-packages clean

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

$(VENV)/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

run: $(VENV)/ready ## Labels and topics in, an evaluated classifier out (ARGS="--taxonomy goemotions" ...)
	@$(SENTIMILL) run $(ARGS)

serve: $(VENV)/ready ## The champion behind an API, with a page (ARGS="--port 8080 --workers 2" ...)
	@$(SENTIMILL) serve $(ARGS)

test: $(VENV)/ready ## The tests, one process per core
	$(RUN) -m pytest -n auto --dist loadfile

test-slow: $(VENV)/ready ## The tests that take minutes
	$(RUN) -m pytest -m slow

lint: $(VENV)/ready ## Style and types
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache
	$(VENV)/bin/deptry .
	$(RUN) docs/check_words.py

fix: $(VENV)/ready ## Fix style
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .
	PYTHONPATH=. $(RUN) docs/generate_configuration.py

docs: $(VENV)/ready ## The documentation as a site in build/site; any broken link fails
	@PYTHONPATH=. $(RUN) docs/generate_configuration.py --check
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --quiet --strict --site-dir build/site

prune: $(VENV)/ready ## Remove what old runs left, but the newest KEEP, the champions and what they need
	@$(SENTIMILL) prune --keep $(KEEP)

server: $(VENV)/ready ## Prefect server and UI on PORT (PREFECT_SERVER_DATABASE_CONNECTION_URL for Postgres)
	@env $$(grep -v '^#' deployments/server.env) $(VENV)/bin/prefect server start --host $(HOST) --port $(PORT)

deploy: $(VENV)/ready ## Work pools, deployments, automations on the server
	@$(SENTIMILL) deploy $(ARGS)

worker: $(VENV)/ready ## Take runs from work pool POOL
	@$(VENV)/bin/prefect worker start --pool $(POOL)

schedule: $(VENV)/ready ## Another time for the nightly run: CRON="30 2 * * *" ZONE=Europe/Berlin
	@$(VENV)/bin/prefect deployment schedule create --replace --accept-yes --cron "$(CRON)" --timezone "$(ZONE)" regenerate/nightly

ops-test: $(VENV)/ready ## Postgres, S3, server, worker; runs by UI, cron and CI; bad input (needs postgresql, chromium)
	$(RUN) -m pip install --quiet -e '.[operations]'
	$(RUN) -m pytest -m slow tests/test_operations_*.py tests/test_deployments_containers.py tests/test_orchestration_telemetry.py $(ARGS)

cluster-test: $(VENV)/ready ## Texts from two Ray nodes, one of them killed, and from `transformers serve` on loopback
	$(RUN) -m pip install --quiet -e '.[ray]' 'transformers[serving]'
	$(RUN) -m pytest -m slow tests/test_orchestration_ray.py tests/test_sampling_transformers_serve.py

doctor: $(VENV)/ready ## Check a set-up and say what to do (ARGS="--pool sentimill" wants a worker, too)
	@$(SENTIMILL) doctor $(ARGS)

embedded-generator: $(VENV)/ready ## Remake tasks/models/embedded from DATA (goemotions/ and sst/ inside)
	@$(SENTIMILL) tune-generator --data $(DATA) --out tasks/models/embedded

scrubber-assets: $(VENV)/ready ## Remake the scrubber's tables from DATA
	$(RUN) -m pip install --quiet -e '.[scrubber-build]'
	$(RUN) -m tasks.pipeline.scrubbing.table_builder --data $(DATA)

bench-startup: $(VENV)/ready ## How soon the command answers
	@PYTHONPATH=. $(RUN) tests/benchmarks/bench_startup.py

bench-sampling: $(VENV)/ready ## Sampling speed beside what one would run instead
	@PYTHONPATH=. $(RUN) tests/benchmarks/bench_sampling.py

bench-scrubbing: $(VENV)/ready ## Scrubbing quality and speed (more of it with DATA)
	$(RUN) -m pip install --quiet -e '.[scrubber-bench]'
	@PYTHONPATH=. $(RUN) tests/benchmarks/bench_scrubbing.py --data $(DATA)

bench-data: $(VENV)/ready ## Seconds and memory of describing a file of a million rows
	@PYTHONPATH=. $(RUN) tests/benchmarks/bench_data.py --rows 1000000

bench-quality: $(VENV)/ready ## Hygiene, duplicates, quotas, label votes
	@PYTHONPATH=. $(RUN) tests/benchmarks/bench_quality.py --real $(DATA)/goemotions --largest 1000000
	@PYTHONPATH=. $(RUN) tests/benchmarks/bench_votes.py --real $(DATA)/goemotions
	@PYTHONPATH=. $(RUN) tests/benchmarks/bench_steps.py --real $(DATA)/goemotions

bench-operations: $(VENV)/ready ## Kills, two runs at once, 10,000 cells, what orchestration costs
	@PYTHONPATH=. $(RUN) tests/benchmarks/bench_operations.py

bench-training: $(VENV)/ready ## Training speed beside transformers.Trainer
	@PYTHONPATH=. $(RUN) tests/benchmarks/bench_training.py $(ARGS)

ablation: $(VENV)/ready ## Data-mix ablation: real, synthetic and mixed rows, on human-written text (TAXONOMY, DATA, FULL=1)
	@$(SENTIMILL) ablate --taxonomy $(TAXONOMY) --real $(ABLATION_DATA) $(if $(FULL),$(ALL_ROWS)) $(ARGS)

bench-ablation: $(VENV)/ready ## The ablation on four human data sets in DATA, beside what one would take instead (ARGS="--all-rows")
	$(RUN) -m pip install --quiet -e '.[setfit]'
	@PYTHONPATH=. $(RUN) tests/benchmarks/bench_ablation.py --data $(DATA) $(ARGS)

bench-serving: $(VENV)/ready ## The service beside the plain way; LITSERVE=python of an environment with it
	@PYTHONPATH=. $(RUN) tests/benchmarks/bench_serving.py $(if $(LITSERVE),--litserve $(LITSERVE)) $(ARGS)

audit-packages: ## Known faults of the locked packages
	$(PYTHON) -m venv build/audit
	build/audit/bin/python -m pip install --quiet pip-audit
	build/audit/bin/pip-audit --requirement requirements.lock --no-deps --disable-pip

clean: ## Remove caches and build products, never results
	rm -rf .mypy_cache .pytest_cache .ruff_cache build dist
