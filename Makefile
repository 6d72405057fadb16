PYTHON ?= python3
BIN := .venv/bin
# The CPU build everywhere but where a GPU build was installed by hand first (see docs/install.md).
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

PRODUCT := -p bot -p generation -p playground -p migrations

.PHONY: play run test nightly browser lint format bench screenshots migrate lock train-embedded clean
.DEFAULT_GOAL := play

.venv/bin/pip:
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml constraints.txt | .venv/bin/pip
	$(INSTALL) -e .
	touch $@

.venv/installed-dev: .venv/installed
	$(INSTALL) -e '.[test,lint]'
	touch $@

.venv/installed-lock: .venv/installed
	$(INSTALL) -e '.[lock]'
	touch $@

.venv/installed-train: .venv/installed
	$(INSTALL) -e '.[train]'
	touch $@

play: .venv/installed  ## the whole bot on this machine: no token, GPU or downloaded weights
	$(BIN)/darkroom play

run: .venv/installed  ## the bot against Discord, with the settings in .env
	$(BIN)/darkroom run

migrate: .venv/installed
	$(BIN)/darkroom migrate

test: .venv/installed-dev
	$(BIN)/python -m pytest

nightly: .venv/installed-dev  ## everything, and what takes minutes: longer storms, measured bounds
	STORM_INTERACTIONS=2000 $(BIN)/python -m pytest -m "nightly or not nightly"

lint: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 $(PRODUCT)
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin $(PRODUCT)
	$(BIN)/lint-imports --no-cache

format: .venv/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/installed-dev
	$(BIN)/python -m benchmarks

screenshots: .venv/installed-dev  ## retake the README's pictures; needs Debian's chromium
	$(BIN)/python docs/screenshots.py

lock: .venv/installed-lock  ## hashes of a release's packages: pip install --require-hashes -r
	mkdir -p dist
	$(BIN)/uv pip compile pyproject.toml -c constraints.txt --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate \
		--quiet --output-file dist/requirements.lock
	! grep -n '://' dist/requirements.lock  # no hosts: installations have their own

train-embedded: .venv/installed-train
	# Spinning threads would take the cores from other programs.
	OMP_WAIT_POLICY=PASSIVE $(BIN)/python -m generation.embedded.recipe

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info dist
