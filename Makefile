# Two commands on a fresh machine with Python 3.11 or later: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test lint types imports clean

$(BIN)/edgeroute: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

demo: $(BIN)/edgeroute
	sh examples/digits/demo.sh $(BIN)/edgeroute

$(VENV)/.test: pyproject.toml $(BIN)/edgeroute
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@

test: $(VENV)/.test lint types imports
	$(BIN)/python -m pytest -m 'not corpus' $(PYTEST)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.test
	$(BIN)/mypy

imports: $(VENV)/.test
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) demo-out
