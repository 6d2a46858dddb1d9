# Needs Python 3.11 or newer with pip, and make. Everything else comes as wheels into .venv.

# Looked for once, where it is first used.
PYTHON ?= $(eval PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done))$(PYTHON)
PORT ?= 8000
UV ?= uv
RUN = .venv/bin/python
STAMP = .venv/installed
export PORT

# Checks read the settings, but talk to no server: port 9 refuses.
SOMEWHERE = SECRET_KEY=only-for-checks-0123456789-abcdefghijklmnopqrstuvwxyz-0123456789 \
	CONTACT_KEY_SECRETS=only-for-checks-0123456789-abcdefghijklmnopqrstuvwxyz \
	DATABASE_URL=postgres://nobody@127.0.0.1:9/nothing REDIS_URL=redis://127.0.0.1:9/0
DEVELOPMENT = env $(SOMEWHERE) DEBUG=1
RANDOM = $$($(RUN) -c "import secrets; print(secrets.token_urlsafe(50))")
PRODUCTION = env $(SOMEWHERE) SECRET_KEY=$(RANDOM) CONTACT_KEY_SECRETS=$(RANDOM) DEBUG=0 HTTPS=1 ALLOWED_HOSTS=buckets.example

.DEFAULT_GOAL := help
.PHONY: help demo up test lint chaos bench screenshots backup restore pin lock fonts chromium installing

help: ## What can be made
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 10

demo: $(STAMP) ## The main job against made-up vendors. ARGS="--exit --parcels FILE --leads 2000"
	@echo "Starting the demo: servers, made-up vendors, then the main job …" >&2
	@$(RUN) manage.py demo $(ARGS)

up: $(STAMP) ## The same stack and no job, on PORT (8000); keys set: real vendors. ARGS=--sandbox
	@echo "Starting servers, web and worker on port $(PORT) …" >&2
	@$(RUN) manage.py up $(ARGS)

# With ALL=1 the whole suite is counted and held to the floor in tests/coverage.py. A part reaches a part, and is not.
test: $(STAMP) chromium ## All tests but the long ones, in a quarter of an hour; ALL=1: those too, counted. ARGS="-k word tests/leads"
	@$(if $(ALL),$(if $(strip $(ARGS)),,PYTEST_PLUGINS=tests.coverage)) $(RUN) -m pytest $(if $(strip $(ALL)$(ARGS)),,-m "not long") -n auto --dist worksteal $(ARGS)

lint: $(STAMP) ## Style, types, rooms, migrations, production settings
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	.venv/bin/lint-imports
	$(DEVELOPMENT) $(RUN) -m mypy
	$(RUN) manage.py makemigrations --check --dry-run
	$(PRODUCTION) $(RUN) manage.py check --deploy --fail-level WARNING

chaos: $(STAMP) ## Damage to the real stack, and the books checked; then `make test ALL=1`. ARGS="kills zombie" QUICK=1
	@$(RUN) -m tests.chaos $(ARGS)
	@$(if $(strip $(ARGS)),,$(MAKE) test ALL=1)

bench: $(STAMP) ## Measurements. ARGS="NAME"; SIZE=10m: what people wait for, at ten million leads
	@SIZE="$(SIZE)" $(RUN) -m benchmarks $(ARGS)

screenshots: $(STAMP) chromium ## A picture of every page into docs/screenshots. ARGS="--only home"
	@$(RUN) manage.py screenshots $(ARGS)

backup: $(STAMP) ## One consistent dump with its manifest. TO=DIRECTORY
	@$(RUN) manage.py backup "$(TO)"

restore: $(STAMP) ## A backup into an empty database, checked. FROM=DIRECTORY ARGS="--yes-empty NAME"
	@$(RUN) manage.py restore "$(FROM)" $(ARGS)

pin: $(STAMP) ## Writes the digests of all images into docker-compose.yml and Dockerfile
	@$(RUN) -m devtools.pin docker-compose.yml Dockerfile

fonts: $(STAMP) ## The theme's fonts cut down to what pages show, after a page names a new icon
	@$(RUN) -m devtools.fonts

lock: ## Both lock files anew from pyproject.toml (needs uv)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: pip install uv, or UV=/path/to/uv" >&2; exit 1; }
	$(UV) pip compile pyproject.toml --generate-hashes --no-emit-index-url --python-version 3.11 --universal \
		--quiet -o requirements.lock
	$(UV) pip compile pyproject.toml --extra dev -c requirements.lock --generate-hashes --no-emit-index-url \
		--python-version 3.11 --universal --quiet -o requirements-dev.lock

# The stamp is written last: an interrupted install is done again. Debian without python3-venv has no pip to put in.
# pip is told by its lines: every 25th package, then the writing; its status comes last, for a pipe has none of its own.
TOLD = awk -v n="$$n" -v t="$$(date +%s)" ' \
	function say(words) { "date +%s" | getline now; close("date +%s"); printf "[%3d s] %s\n", now - t, words; fflush() } \
	/^Collecting / && ++c % 25 == 0 { say(c " of " n " packages found and fetched …") } \
	/^Installing collected/ { say("Writing " n " packages …") } \
	/ERROR|error:/ { print; fflush() } \
	/^pip ended with / { status = $$4 } \
	END { exit status }'

# Said before anything is done: make expands a whole recipe, and starts Python for it, before its first line runs.
installing:
	@[ $(STAMP) -nt requirements-dev.lock ] || echo "Installing $$(grep -c '^[a-zA-Z].*==' requirements-dev.lock) Python packages into .venv (about a minute, once) …" >&2

$(STAMP): requirements-dev.lock | installing
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: PYTHON=/path/to/python3" >&2; exit 1; }
	@rm -f $@
	@n=$$(grep -c '^[a-zA-Z].*==' requirements-dev.lock); \
	$(PYTHON) -m venv .venv >/dev/null || $(PYTHON) -m venv --clear --without-pip .venv || exit 1; \
	if $(RUN) -m pip --version >/dev/null 2>&1; then pip="$(RUN) -m pip"; \
	else pip="$(PYTHON) -m pip --python $(RUN)"; fi; \
	{ $$pip install --disable-pip-version-check --progress-bar off --require-hashes -r requirements-dev.lock 2>&1; \
	echo "pip ended with $$?"; } | $(TOLD) >&2
	@touch $@
	@echo "Installed." >&2

# Page tests drive Debian's Chromium without a window, the proxy's its nginx. Where one is missing and cannot be installed
# its tests are skipped, and say so, unless the whole Chromium is there. nginx is not started: the tests start it.
chromium:
	@for program in chromium-headless-shell:/usr/bin/chromium-headless-shell nginx:/usr/sbin/nginx; do \
		name=$${program%%:*}; [ -x $${program#*:} ] || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || { \
		echo "Installing Debian's $$name for its tests (once) …" >&2; export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1; \
		{ apt-get update -qq && apt-get install -y -qq $$name; } >/dev/null 2>&1 </dev/null \
		|| echo "$$name could not be installed: its tests are skipped" >&2; }; done
