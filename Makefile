# Two commands on a fresh machine with Python 3.11 or later: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test test-all lint types imports docs reference excerpts clean

$(BIN)/edgeroute: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

demo: $(BIN)/edgeroute
	sh examples/digits/demo.sh $(BIN)/edgeroute

$(VENV)/.test: pyproject.toml $(BIN)/edgeroute
	$(BIN)/python -m pip install --quiet --editable '.[test,docs]'
	@touch $@

test: $(VENV)/.test lint types imports docs
	$(BIN)/python -m pytest -m 'not corpus and not real' $(PYTEST)
	$(BIN)/python -m pytest -m road $(PYTEST)

# And every converter, runner and example for real, in environments that are built on first use: much longer.
test-all: test
	$(BIN)/python -m pytest -m 'real and not road and not corpus' $(PYTEST)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

imports: $(VENV)/.test
	$(BIN)/lint-imports

# The pages, without a warning, in build/site.
docs: $(VENV)/.test
	$(BIN)/zensical build --strict --clean

# What is generated: the reference and the drawing of the graph from the code; what commands print, by running them.
reference: $(VENV)/.test
	$(BIN)/python -m edgeroute.report.schema
	$(BIN)/python -m edgeroute_plugins.devices.tabulate > docs/reference/devices.md
	$(BIN)/python -m docs.scripts.reference

excerpts: $(VENV)/.test
	$(BIN)/python -m docs.scripts.excerpts

clean:
	rm -rf $(VENV) demo-out build .cache
