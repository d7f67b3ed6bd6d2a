# Two commands matter: `make up` runs everything, `make test` checks everything.
.DEFAULT_GOAL := help
.PHONY: help up test prove prove-writing prove-training lint bench bench-engine bench-rec bench-train bench-web bench-plans messages lock

# The first Python that is new enough; choose another with `make up PYTHON=/path/to/python`.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' \
	2>/dev/null && echo $$python && break; done)
RUN := .venv/bin/python
# A file of tests is run whole by one of so many processes; PARALLEL= runs all in one.
PARALLEL := -n logical --maxprocesses 4 --dist loadfile
# For tools that read the settings and open no connection.
NO_SERVERS := DATABASE_POOL=False SECRET_KEY=unused DATABASE_URL=postgres://unused@/unused REDIS_URL=redis://unused

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: install ## Run Kindling on http://localhost:8000 (PORT=8001, ONCE=1 to stop after the first ad)
	@exec $(RUN) -m saas.stack

test: tools ## Set up what tests need and run them
	@deploy/install-chromium.sh
	@$(RUN) -m pytest -q --durations=15 $(PARALLEL) $(ARGS)

prove: tools ## Run the long proofs: kill -9, races, fuzzing
	@deploy/install-chromium.sh
	@test "$$(uname)" != Linux || $(RUN) -c 'import triton' 2>/dev/null || $(RUN) -m pip install --quiet --no-deps triton==3.7.1
	@$(RUN) -m pytest -m prove -s --durations=15 $(ARGS)

prove-writing: tools ## Measure what writers and checks make of a frozen set of briefs
	@$(RUN) -m bench.writing.prove $(ARGS)

prove-training: tools ## Run the proofs of training alone: kill -9 of worker, database, broker
	@$(RUN) -m pytest -m prove -s tests/prove/test_chaos.py -k training $(ARGS)

bench: install ## Measure how fast the engine writes on this machine
	@$(RUN) -m bench.engine

bench-engine: tools ## Measure it beside transformers, PEFT, llama.cpp, and keep the numbers
	@$(RUN) -m bench.engine --compare

bench-rec: tools ## Measure recommendations beside implicit and faiss (DATA=folder of ml1m, ml100k)
	@$(RUN) -m pip install --quiet -r bench/requirements-rec.txt
	@OMP_NUM_THREADS=1 $(RUN) -m bench.rec --keep $(if $(DATA),--data $(DATA)) $(ARGS)

bench-train: tools ## Measure training beside transformers' Trainer and TRL (DATA=folder of e2e, banking77, sst2)
	@$(RUN) -m pip install --quiet -r bench/requirements-train.txt
	@$(RUN) -m bench.train --keep $(if $(DATA),--data $(DATA))
	@$(RUN) -m bench.heads --keep $(if $(DATA),--data $(DATA))

bench-web: install ## Measure pages and API calls in the web server, and keep the numbers
	@$(RUN) -m bench.web --keep $(ARGS)

bench-plans: install ## Ask Postgres for its plans in a million texts of a thousand workspaces
	@$(RUN) -m bench.plans $(ARGS)

lint: tools ## Check style, types, imports, templates, migrations and translations
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(NO_SERVERS) $(RUN) -m mypy
	@$(RUN) -m vulture
	@$(RUN) -m djlint templates --lint --quiet
	@$(NO_SERVERS) $(RUN) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@$(NO_SERVERS) $(RUN) manage.py makemessages --check $(MESSAGES)
	@$(RUN) -m pytest -q tests/test_import_walls.py tests/test_own_rules.py tests/saas/test_translations.py

MESSAGES := --locale zh_Hans --ignore .venv --ignore tests --ignore .data --no-obsolete --no-location
messages: tools ## Collect the texts to translate and compile the translations
	@$(NO_SERVERS) $(RUN) manage.py makemessages $(MESSAGES)
	@$(RUN) -m saas.messages

lock: tools ## Write deploy/requirements*.txt anew from pyproject.toml
	@$(RUN) -m pip install --quiet uv
	@cd deploy && $(COMPILE) ../pyproject.toml requirements.in -o requirements.txt
	@cd deploy && $(COMPILE) requirements-dev.in -c requirements.txt -o requirements-dev.txt

COMPILE := ../$(RUN) -m uv pip compile --quiet --universal --generate-hashes \
	--python-version 3.11 --override overrides.txt --no-annotate --no-header

.PHONY: python install tools
python:
	@test -n "$(PYTHON)" || { echo "make │ Python 3.11 to 3.14 is missing." \
		"Debian, Ubuntu: sudo apt-get install python3 python3-venv; macOS: brew install python@3.12" >&2; exit 1; }

install: python
	@"$(PYTHON)" deploy/install.py
	@$(RUN) -m generation.engine.native.build
	@$(RUN) -m training.lora.native.build
	@$(RUN) -m saas.messages

tools: python
	@"$(PYTHON)" deploy/install.py --tools
	@$(RUN) -m generation.engine.native.build
	@$(RUN) -m training.lora.native.build
	@$(RUN) -m saas.messages
