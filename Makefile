# The whole developer interface. Every target works in a fresh clone and is quick the second time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONPATH := src
export PYTHONDONTWRITEBYTECODE :=

.PHONY: setup plotly run test check lint types layers security unit browser bench chaos docs requirements clean

setup: $(VENV)/.installed $(VENV)/.plotly     ## only the virtual environment
$(VENV)/.installed: requirements.txt scripts/setup.sh
	@sh scripts/setup.sh $(PYTHON) $(VENV) requirements.txt && touch $@
SMALL_PLOTLY := scripts/plotly.sh $(wildcard scripts/plotly/*) src/main/monitoring/dashboards/v2/small_plotly.json
$(VENV)/.plotly: $(SMALL_PLOTLY) | $(VENV)/.installed
	@sh scripts/plotly.sh $(VENV) && { touch $@ 2>/dev/null || true; }
plotly: $(VENV)/.installed                    ## a quarter of Plotly for the pages, where there is npm; part of setup
	@sh scripts/plotly.sh $(VENV) && { touch $(VENV)/.plotly 2>/dev/null || true; }
$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed | $(VENV)/.plotly
	@sh scripts/setup.sh $(PYTHON) $(VENV) requirements-dev.txt && touch $@

run: setup                                    ## embedded PostgreSQL, bot and dashboards
	@exec $(BIN)/python ai_trader.py trade --enable-monitoring

test: $(VENV)/.installed-dev check            ## lint, types, unit, integration and browser tests
	@$(BIN)/python -m pytest -n auto --dist loadfile || { test $$? -eq 1 && \
	echo "Once more, one after the other: what failed may have waited for the other tests." && \
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures none; }
check: $(VENV)/.installed-dev                 ## lint, types, import layers
	@$(MAKE) --no-print-directory -j lint types layers security
lint: $(VENV)/.installed-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
types: $(VENV)/.installed-dev
	@$(BIN)/mypy
layers: $(VENV)/.installed-dev
	@$(BIN)/lint-imports
security: $(VENV)/.installed-dev
	@$(BIN)/bandit -q -r src -ll -c pyproject.toml
unit: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest tests/unit -q
browser: $(VENV)/.installed-dev               ## browser tests; screenshots go to build/screenshots
	@TESTS_SCREENSHOTS=build/screenshots $(BIN)/python -m pytest tests/browser -q
bench: $(VENV)/.installed-dev                 ## measures, and writes docs/benchmarks.md
	@$(BIN)/python -m tests.bench
chaos: $(VENV)/.installed-dev                 ## faults for SECONDS (600); CHAOS_SEED=… replays a run
	@$(BIN)/python -m tests.chaos $(or $(SECONDS),600)
docs: $(VENV)/.installed-dev                  ## docs/numbers.md from the reads
	@$(BIN)/python ai_trader.py docs numbers > docs/numbers.md
requirements: $(VENV)/.installed-dev          ## pin pyproject.toml's dependencies again, for every platform
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml --all-extras --group dev -c requirements.txt -o requirements-dev.txt
clean:
	@rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
