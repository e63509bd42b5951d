# Touchstone. `make` lists the targets. A folder with a space in its name will do, and so will -j.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help serve test lint types arch cov cov-grading cov-containers bench demo docs doctor selfcheck image up down wheel lock clean

# The interpreter .venv is made with: by default the first of these that is Python >= 3.11 with venv.
PYTHON ?=
CANDIDATES := python3.13 python3.12 python3.11 python3
USABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --quiet --quiet --disable-pip-version-check
SERVICE := $(VENV)/.group-service
DEV := $(VENV)/.group-dev

# Version 2 where it is there.
COMPOSE = $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)

# Held back, or the newest brings gigabytes; and pinned beyond what `pip freeze` shows, for
# Python < 3.11.3.
HELD := torch==2.13.0
MORE_PINS := async-timeout==5.0.1

# Tests that disturb no others, in two lots that may run side by side: of graders, but for those
# that measure CPU time, and of containers, which mostly wait.
CONTAINERS := $(wildcard tests/sandbox/test_docker*.py) tests/graders/test_programs_docker.py tests/deploy
MEASURING := $(addprefix tests/graders/test_,bounds.py math_worst_cases.py programs_time.py)
GRADING := $(filter-out $(CONTAINERS) $(MEASURING),$(wildcard tests/graders/test_*.py))

# $(call step,tool,what it does,command): say it, run it, name the tool when it fails.
define step
@printf '==> %s: %s\n' '$(1)' '$(2)'
@$(3) || { printf '==> %s FAILED\n' '$(1)' >&2; exit 1; }
endef

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile

serve: $(SERVICE) ## Build .venv and serve on 127.0.0.1:8000 with a Redis and workers of its own
	@exec $(PY) -m service serve

test: $(DEV) ## Run all that CI runs: lint, types, arch, and every test under coverage
	@for target in lint types arch cov; do \
		$(MAKE) --no-print-directory $$target || \
			{ printf '==> make test: FAILED at make %s\n' "$$target" >&2; exit 1; }; \
	done
	@printf '==> make test: ruff, mypy, import-linter and pytest passed, coverage %s %%\n' \
		"$$($(PY) -m coverage report --format=total)"

lint: $(DEV) ## Check style and format with ruff
	$(call step,ruff check,style,$(PY) -m ruff check .)
	$(call step,ruff format,format (`.venv/bin/ruff format .` repairs it),$(PY) -m ruff format --check .)

types: $(DEV) ## Check types with mypy, strict
	$(call step,mypy,types; strict,$(PY) -m mypy)

arch: $(DEV) ## Check which room may import which with import-linter
	$(call step,import-linter,which room imports which,$(VENV)/bin/lint-imports)

cov: $(DEV) ## Run every test and check branch coverage, child processes included
	$(call step,coverage erase,forgets the last run,$(PY) -m coverage erase)
	@printf '==> pytest: %s\n' 'tests of graders and of containers side by side, silent for about 15 minutes'
	@$(MAKE) --no-print-directory -j2 --output-sync=target cov-grading cov-containers
	$(call step,pytest,the other tests; child processes are measured too,$(PY) -m coverage run -m pytest \
		$(addprefix --ignore=,$(GRADING) $(CONTAINERS)))
	$(call step,coverage combine,joins what the processes measured,$(PY) -m coverage combine --quiet)
	$(call step,coverage report,branches; the floor is in pyproject.toml,$(PY) -m coverage report)

cov-grading: $(DEV) ## The part of `make cov` that tests graders
	$(call step,pytest,tests of graders,$(PY) -m coverage run -m pytest $(GRADING))

cov-containers: $(DEV) ## The part of `make cov` that tests containers, run beside it
	$(call step,pytest,tests of containers,$(PY) -m coverage run -m pytest $(CONTAINERS))

bench: $(DEV) ## Measure service, client, sandbox, programs, language and math, beside what others pay
	$(call step,bench,the service against in-process Math-Verify,$(PY) -m bench.service)
	$(call step,bench,a request in the midst of attacks,$(PY) -m bench.hostile)
	$(call step,bench,three times the load that it can take,$(PY) -m bench.overload)
	$(call step,bench,what keeping every verdict costs,$(PY) -m bench.audit)
	$(call step,bench,the sandbox against a bare interpreter,$(PY) -m bench.sandbox)
	$(call step,bench,what part of a round trip is the client,$(PY) -m bench.client)
	$(call step,bench,programs over HTTP against a bare interpreter,$(PY) -m bench.code)
	$(call step,bench,the language of each word against that of the whole text,$(PY) -m bench.language)
	$(call step,bench,the math grader against Math-Verify,$(PY) -m bench.math)
	$(call step,bench,items a second of a core by grader,$(PY) -m bench.graders)
	$(call step,bench,verl with its own client of SandboxFusion,$(PY) -m bench.sandbox_clients)
	$(call step,bench,samples that come alone against batches,$(PY) -m bench.wires)

demo: $(DEV) ## Train a tiny model by SFT, GRPO and distillation with rewards of a service, in about 2 minutes
	@exec $(PY) -m trainer_client.train --demo --serve

docs: $(DEV) ## Rewrite what is generated: the README's tables and tests/service/openapi.json
	$(call step,docs,README tables and golden OpenAPI,$(PY) -m tests.generated)

doctor: $(SERVICE) ## Say what this host gives, what is missing and how to get it
	@$(PY) -m service doctor

selfcheck: $(SERVICE) ## Prove on this host every promise of the sandbox, by programs that try to break it
	@$(PY) -m sandbox.selfcheck

image: ## Build the image of the docker sandbox (BASE=image to build upon, PACKAGES="gcc ..." to add)
	docker build --network host $(if $(BASE),--build-arg BASE=$(BASE)) \
		$(if $(PACKAGES),--build-arg PACKAGES="$(PACKAGES)") --tag touchstone-sandbox sandbox

up: ## Build the images, and bring up API, workers and Redis in containers (TOUCHSTONE_API_KEYS=name:secret)
	@exec $(COMPOSE) up --detach --build

down: ## Take them down again; what Redis keeps stays, and goes with `down --volumes`
	@TOUCHSTONE_API_KEYS="$${TOUCHSTONE_API_KEYS:-none:needed}" exec $(COMPOSE) down

wheel: $(DEV) ## Build the wheel a trainer installs, into dist/
	$(call step,build,the wheel into dist/,$(PY) -m build --wheel --no-isolation --outdir dist)

lock: ## Renew constraints.txt with the newest versions (use Python 3.11, the oldest served)
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(MAKE) --no-print-directory VENV="$$folder" "$$folder/bin/python"; \
	printf '==> lock: asking for the newest versions\n'; \
	pip() { "$$folder/bin/python" -m pip --disable-pip-version-check "$$@"; }; \
	pip --quiet --quiet install --upgrade pip; \
	pip --quiet --quiet install $(HELD) --group dev; \
	{ printf '# Every package of the groups `service` and `dev`; renewed by `make lock`.\n'; \
		{ pip freeze --all --exclude setuptools | sed 's/+[a-z0-9.]*$$//'; printf '%s\n' $(MORE_PINS); } | LC_ALL=C sort -fu; \
	} > "$$folder/constraints.txt"; \
	cp "$$folder/constraints.txt" constraints.txt

clean: ## Remove .venv, caches, build and coverage files
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	rm -f .coverage .coverage.*

# Both stamps stand for what the two files pin; the dev group holds the service group.
$(DEV): $(SERVICE)
	@printf '==> %s: installing the tools for tests\n' '$(VENV)'
	@$(PIP) install --constraint constraints.txt --group dev
	@touch $@

$(SERVICE): pyproject.toml constraints.txt $(PY)
	@printf '==> %s: installing the service, about a minute the first time\n' '$(VENV)'
	@$(PIP) install --constraint constraints.txt pip
	@$(PIP) install --constraint constraints.txt --group service
	@touch $@

$(PY):
	@for candidate in $(if $(PYTHON),"$(PYTHON)",$(CANDIDATES)); do \
		"$$candidate" -c '$(USABLE)' 2>/dev/null || continue; \
		printf '==> %s: made with %s\n' '$(VENV)' "$$candidate"; \
		exec "$$candidate" -m venv --clear '$(VENV)'; \
	done; \
	printf '%s\n' 'No Python >= 3.11 that can make a venv among: $(or $(PYTHON),$(CANDIDATES))' \
		'Install one (Debian, Ubuntu: apt-get install python3-venv), or name one: make PYTHON=/path/to/python3' >&2; \
	exit 1
