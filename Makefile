# make demo    install, fetch the models, read this project's own docs, answer three questions
# make test    what CI runs: make lint, and the tests beside it
# make lint    linters, types, import rules
# make soak    the same tests, the long ones at full counts
# make connectors   types and tests of each package in connectors/, in an environment of its own under .venvs/
# make docs    the documentation as a site, in build/site: open its index.html
# make sbom    what the installed core consists of, as CycloneDX, in build/sbom.json
# make audit   asks PyPI for known weaknesses of what it depends on
# make pictures   the pictures of the documentation anew
# make bench   the main benchmarks of docs/benchmarks.md
# make clean   remove what the others made, .venv included
#
# Another interpreter: make demo PYTHON=python3.12. On Windows run make in Git Bash.
# torch from another index than pip's own: make demo TORCH_INDEX=URL. On Linux the usual torch brings CUDA,
# some gigabytes that a machine without a GPU can do without.

ifeq ($(OS),Windows_NT)
PYTHON ?= python
VENV_PYTHON := .venv/Scripts/python.exe
else
PYTHON ?= python3
VENV_PYTHON := .venv/bin/python
endif

# The exact version pins the build that is taken; installed first, the rest resolves around it.
TORCH ?= torch==2.13.0
TORCH_INDEX ?=

# Compiling all modules takes longer than installing them, and few are ever imported: Python does it then.
PIP := $(VENV_PYTHON) -m pip install --quiet --no-compile
# And it has to keep what it compiled, whatever a person's shell says of that.
unexport PYTHONDONTWRITEBYTECODE
RAGBRAID := $(VENV_PYTHON) -m ragbraid
MODELS := all-minilm-l6-v2 smollm2-135m-instruct
OFFLINE := HF_HUB_OFFLINE=1
# Three workers with a thread each, for two cores: much of the suite waits, for processes and for files to change.
PYTEST := $(OFFLINE) OMP_NUM_THREADS=1 $(VENV_PYTHON) -m pytest --numprocesses 3 --dist worksteal

LINT := $(VENV_PYTHON) -m ruff check . && $(VENV_PYTHON) -m mypy && \
  $(VENV_PYTHON) -c "from importlinter.cli import lint_imports_command as lint; lint()"

.PHONY: demo test lint soak connectors docs sbom audit pictures bench models clean

demo: .venv/.made-local models
	$(RAGBRAID) ingest docs
	@for question in \
	  "When is a source unchanged?" \
	  "Where do paths on the command line count from?" \
	  "When is a traceback printed?"; \
	do printf '\n> %s\n\n' "$$question"; $(RAGBRAID) ask "$$question" || exit; done
	@printf '\nYour own question:\n\n  %s ask "How does ingest survive a crash?"\n' '$(RAGBRAID)'

# Types take one core half a minute, which the tests leave idle while they wait.
test: .venv/.made-dev models
	{ $(LINT); } & lint=$$!; $(PYTEST); tests=$$?; wait $$lint && exit $$tests

lint: .venv/.made-dev
	$(LINT)

soak: .venv/.made-dev models
	RAGBRAID_SOAK=1 $(PYTEST) --timeout 3600

CONNECTORS := $(notdir $(patsubst %/pyproject.toml,%,$(wildcard connectors/*/pyproject.toml)))

connectors: $(CONNECTORS:%=connector-%)

# Types are checked where the connector's pyproject.toml says how.
connector-%: .venvs/%/.made models
	cd connectors/$* && if grep -q tool.mypy pyproject.toml; then ../../$(call OWN,$*) -m mypy; fi
	cd connectors/$* && $(OFFLINE) OMP_NUM_THREADS=1 ../../$(call OWN,$*) -m pytest

OWN = .venvs/$(1)/$(patsubst .venv/%,%,$(VENV_PYTHON))

# It borrows .venv's packages, so that torch isn't installed once more for each.
BORROW := import pathlib, sysconfig, sys; pathlib.Path(sysconfig.get_path('purelib'), 'borrowed.pth').write_text('import site; site.addsitedir(%r)' % sys.argv[1])
.PRECIOUS: .venvs/%/.made
.venvs/%/.made: connectors/%/pyproject.toml .venv/.made-dev
	"$(PYTHON)" -m venv .venvs/$*
	$(call OWN,$*) -c "$(BORROW)" "$$($(VENV_PYTHON) -c "import sysconfig; print(sysconfig.get_path('purelib'))")"
	$(call OWN,$*) -m pip install --quiet --no-compile --editable "connectors/$*[test]"
	@touch $@

# The site has the repository's layout, and of the repository only what its pages link to.
PAGES := README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE connectors docs examples pipelines reference tests/data
MKDOCS ?= $(VENV_PYTHON) -m mkdocs

docs: .venv/.made-dev
	rm -rf build/pages build/site
	mkdir -p build/pages/tests
	for page in $(PAGES); do cp -R "$$page" build/pages/$$page || exit; done
	NO_MKDOCS_2_WARNING=1 $(MKDOCS) build --strict

RELEASE := $(call OWN,release)

.venvs/release/.made: .venv/.made-dev
	"$(PYTHON)" -m venv .venvs/release
	$(RELEASE) -m pip install --quiet --no-compile cyclonedx-bom pip-audit
	@touch $@

build/requirements.txt: .venv/.made-dev
	mkdir -p build
	$(VENV_PYTHON) tests/packaging/licences.py --pins > $@

sbom: .venvs/release/.made build/requirements.txt
	$(RELEASE) -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible -o build/sbom.json build/requirements.txt

# Strict: a package that it couldn't ask about is a failure.
audit: .venvs/release/.made build/requirements.txt
	$(RELEASE) -m pip_audit --strict --disable-pip --no-deps --requirement build/requirements.txt \
	  || { echo "Weaknesses are listed above. If it says that something couldn't be audited, or names a connection, it could not run: nothing is known."; exit 1; }

pictures: .venv/.made-dev models
	$(VENV_PYTHON) tests/docs/pictures.py
	$(VENV_PYTHON) tests/docs/page_pictures.py

bench: .venv/.made-bench models
	$(OFFLINE) $(VENV_PYTHON) tests/bench/run_all.py

models: .venv/.made-local
	$(RAGBRAID) models get $(MODELS)

# Console scripts carry the venv's path in their first line, which breaks at a space: use `python -m`.
.venv/.made-torch: pyproject.toml
	@"$(PYTHON)" -c "import sys; sys.exit(sys.version_info < (3, 11) and 'ragbraid needs Python 3.11 or newer; name one: make PYTHON=python3.12')"
	"$(PYTHON)" -m venv .venv
	$(PIP) $(if $(TORCH_INDEX),--index-url "$(TORCH_INDEX)") "$(TORCH)"
	@touch $@

.venv/.made-local: .venv/.made-torch
	$(PIP) --editable ".[local]"
	@touch $@

.venv/.made-dev .venv/.made-bench: .venv/.made-%: .venv/.made-torch
	$(PIP) --editable ".[local,$*]"
	@touch .venv/.made-local $@

clean:
	rm -rf .venv .venvs build .ragbraid .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
