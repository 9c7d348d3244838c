# `make demo` and `make test` need Python 3.11 or newer with venv, and make. The first call installs into .venv.
PYTHON ?= python3
BIN := .venv/bin
export PORT ?= 8000

# Tests and tools run with development settings, in a folder of their own.
# What is set in the shell has no say in them.
unexport DATABASE_URL READERSTUDY_SECRET_KEY READERSTUDY_PSEUDONYM_KEY
DEVELOPMENT := READERSTUDY_DEBUG=1 READERSTUDY_HOME=$(CURDIR)/var/test
PRODUCTION := READERSTUDY_DEBUG=0 READERSTUDY_HOME=$(CURDIR)/var/test READERSTUDY_ALLOWED_HOSTS=readers.example.org \
	READERSTUDY_SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(60))')" \
	READERSTUDY_PSEUDONYM_KEY=only-for-this-check

.PHONY: help demo test lint format bench trial bench-web check-blinding validate-statistics
help:
	@echo "make demo    a study to read in the browser, on phantom films"
	@echo "make test    all tests on SQLite and, where its server is installed, the database tests on PostgreSQL"
	@echo "make lint    ruff, mypy, import-linter, djlint and Django's own checks"
	@echo "make format  what of that can be mended by itself"
	@echo "make bench   one JSON line per measured figure"
	@echo "make trial   train, draw and measure on FILMS= and HELD_OUT= below OUT=, in pieces that can be interrupted"
	@echo "make bench-web  the same of the reading room: on PostgreSQL behind gunicorn, and in Chromium"
	@echo "make check-blinding  what a browser could tell of 400 and 400 phantoms, and of phantoms and drawn films (minutes)"
	@echo "make validate-statistics    the table of docs/statistics.md, drawn and analysed anew (six minutes of one core)"

.venv/installed: requirements.txt
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

demo: .venv/installed
	@exec $(BIN)/python -m readerstudy.demo

test: .venv/installed-dev
	$(DEVELOPMENT) $(BIN)/python -m pytest
	$(DEVELOPMENT) $(BIN)/python -m tests.postgresql $(BIN)/python -m pytest -m database

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(DEVELOPMENT) $(BIN)/mypy
	$(DEVELOPMENT) $(BIN)/lint-imports
	$(BIN)/djlint --check --lint --quiet templates
	$(BIN)/djlint --profile jinja --lint --quiet evaluation/templates
	$(DEVELOPMENT) $(BIN)/python manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

format: .venv/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint --reformat --quiet templates

bench: .venv/installed
	@$(BIN)/python -m gan.bench
	@$(BIN)/python -m evaluation.images.bench

bench-web: .venv/installed-dev
	@$(BIN)/python -m tests.bench_web
	@$(BIN)/python -m tests.bench_room

# One training from its first film to its figures, in pieces: `make trial FILMS=… HELD_OUT=… OUT=…`.
PRESET ?= small
MINUTES ?= 8.5
DRAWN ?= 2000
trial: .venv/installed
	@test -n "$(FILMS)" -a -n "$(HELD_OUT)" -a -n "$(OUT)" || { echo "Give FILMS=, HELD_OUT= and OUT=."; exit 2; }
	@until test -f $(OUT)/generator.safetensors; do $(BIN)/python -m gan train --films $(FILMS) --held-out $(HELD_OUT) \
		--out $(OUT) --preset $(PRESET) $(TRAINING) $(HARDWARE) --minutes $(MINUTES) --resume || exit $$?; done
	@$(BIN)/python -m evaluation run $(OUT) --real $(HELD_OUT) --out $(OUT)/figures
	@$(BIN)/python -m gan generate --generator $(OUT)/generator.safetensors --out $(OUT)/drawn --count $(DRAWN) --seed 1
	@$(BIN)/python -m evaluation images $(FILMS) $(OUT)/drawn --held-out $(HELD_OUT) --json $(OUT)/figures/images.json

check-blinding: .venv/installed
	@$(BIN)/python -m readerstudy.demo.blinding --null
	@$(BIN)/python -m readerstudy.demo.blinding

validate-statistics: .venv/installed
	@$(BIN)/python -m evaluation.readers.validation
