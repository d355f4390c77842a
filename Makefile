# The two commands are `make study` and `make test`; each does its own set-up in .venv.
PYTHON ?= python3
BIN := .venv/bin
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
endif
CHROMIUM ?= /usr/bin/chromium

.PHONY: study islands test coverage lint format lock slow bench versions fuzz accessibility clean risks priorities rasch

study: .venv/study.stamp
	@rm -rf .venv/demo
	@$(BIN)/crcne simulate --out .venv/demo
	@$(BIN)/crcne study .venv/demo/ratings.csv --students .venv/demo/students.csv --out study --lang fr --framework 2022-2023

# The same where no file links the INSPÉ: what may no longer be compared, and what each assumption would say.
islands: .venv/study.stamp
	@rm -rf .venv/islands
	@$(BIN)/crcne simulate --links 0 --inspe-ability-sd 0.5 --out .venv/islands
	@$(BIN)/crcne study .venv/islands/ratings.csv --students .venv/islands/students.csv --out study-islands --lang fr --framework 2022-2023 --no-notebooks

test: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder

# The same with the share of lines and branches that they run; this takes two thirds more time.
coverage: .venv/test.stamp
	$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder --cov --cov-report=term

lint: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/test.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

slow: .venv/test.stamp
	$(BIN)/python -m pytest -q -m slow

bench: .venv/test.stamp rasch
	$(BIN)/python benchmarks/loading.py
	$(BIN)/python benchmarks/agreement.py
	$(BIN)/python benchmarks/icc.py
	$(BIN)/python benchmarks/variance.py
	$(BIN)/python benchmarks/study.py

# Seconds and memory of the many-facet model and of its tables, on a quiet machine; PEERS="--peer PYTHON" adds those
# of RaschPy, which that Python has.
rasch: .venv/test.stamp
	OMP_NUM_THREADS=2 $(BIN)/python benchmarks/rasch.py --out benchmarks/results/rasch.md $(PEERS)
	$(BIN)/python benchmarks/severity.py --out benchmarks/results/severity.md

# Two versions of the framework with known drift: does the link hold what it promises? Some twenty minutes.
versions: .venv/test.stamp
	$(BIN)/python benchmarks/calibration.py --jobs 2

# A quarter of an hour: planted defects, none, and one-step resamples against refits.
priorities: .venv/test.stamp
	$(BIN)/python benchmarks/priorities.py 100
	$(BIN)/python benchmarks/priorities.py refits

# 200 simulated cohorts: do the stated risks of the certificate keep their word, and how long do they take nationally?
risks: .venv/test.stamp
	$(BIN)/python benchmarks/certification.py --replicates 200 --out benchmarks/results/certification.md
	$(BIN)/python benchmarks/certification.py --national --out benchmarks/results/certification_speed.md

# Ten thousand broken files: each is read as it stands or refused with a reason.
fuzz: .venv/test.stamp
	$(BIN)/python tools/fuzz.py --out benchmarks/results/fuzz.md

# axe-core in headless Chromium, on the report in both languages, at desktop and telephone width.
accessibility: .venv/study.stamp
	@rm -rf .venv/axe && mkdir -p .venv/axe .venv/node
	@$(BIN)/crcne simulate --out .venv/axe/demo
	@$(BIN)/crcne study .venv/axe/demo/ratings.csv --students .venv/axe/demo/students.csv --out .venv/axe/fr --lang fr --no-notebooks
	@$(BIN)/crcne study .venv/axe/demo/ratings.csv --students .venv/axe/demo/students.csv --out .venv/axe/en --lang en --no-notebooks
	@npm install --silent --no-audit --no-fund --no-package-lock --prefix .venv/node axe-core@4 playwright-core@1
	CHROMIUM=$(CHROMIUM) NODE_PATH=.venv/node/node_modules node tools/accessibility.cjs .venv/axe/fr/report.html .venv/axe/en/report.html

# Universal pins with hashes; the files name no registry.
lock: .venv/test.stamp
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header --no-annotate pyproject.toml --extra dev --extra build -o requirements-dev.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header --no-annotate pyproject.toml --extra build -c requirements-dev.lock -o requirements.lock

.venv/study.stamp: requirements.lock pyproject.toml
	@test -e .venv/test.stamp || $(MAKE) --no-print-directory .venv/set-up LOCK=requirements.lock
	@touch $@

.venv/test.stamp: requirements-dev.lock pyproject.toml
	@$(MAKE) --no-print-directory .venv/set-up LOCK=requirements-dev.lock
	@touch $@

.PHONY: .venv/set-up
.venv/set-up:
	@test -e $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(LOCK)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .

clean:
	rm -rf .venv study study-islands
