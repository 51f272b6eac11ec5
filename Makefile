# Two commands for newcomers: `make demo` and `make test`. Both set up everything they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SOURCES := $(shell find cpp umat pybridge/bindings pybridge/host/routines -name '*.cpp' -o -name '*.h' -o -name '*.map') CMakeLists.txt

.PHONY: setup demo test verify bench lint format clean

setup: $(STAMP)

$(VENV)/.dependencies: pyproject.toml .ci/setup_venv.sh
	PYTHON=$(PYTHON) bash .ci/setup_venv.sh $(VENV)
	touch $@

$(STAMP): $(VENV)/.dependencies setup.py $(SOURCES)
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pip install --quiet --no-build-isolation --no-deps -e .
	touch $@

demo: setup
	$(BIN)/pybridge demo

test: setup
	$(BIN)/python -m pytest

verify: setup
	$(BIN)/pybridge verify all

bench: setup
	$(BIN)/pybridge bench all

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --dry-run --Werror $$(git ls-files '*.cpp' '*.h')
	$(BIN)/pyright

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $$(git ls-files '*.cpp' '*.h')

clean:
	rm -rf build $(VENV) pybridge/*.so pybridge/lib *.egg-info
