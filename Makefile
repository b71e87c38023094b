# make demo       the whole path on one machine: mosaics, site, server, NDVI
# make test       all checks and tests, on this Python, the newest one, and the lowest versions
# make test-doors other tools open a site: QGIS, R, browsers, Python's; the table in docs/doors
# make docs       that table, and the documentation's site in .site/
# make check      the quick part of it: style, types, imports, tests on this Python
# make machine    the rest of them: builders killed, failing disks, other programs
# make torture    kills, failing disks, lost bytes and a year of nights, whole; `make test` takes a tenth
# make schemas    JSON Schemas and the configuration's reference, from the contract's types
# make constraints  the pinned versions, from fresh environments
# make bench      benchmarks over a slow link (as root; needs ../shared/wan)

PYTHON ?= python3
NEWEST := $(shell $(PYTHON) tools/newest_python.py)
PIP_FLAGS = --quiet --disable-pip-version-check --no-compile
DOORS = tests/doors
DIST = pyproject.toml constraints.txt cron/shoestring-cron

.PHONY: demo test test-doors docs doors-newest doors-browser check machine pixels lint newest lowest torture schemas constraints bench clean

demo: .venv/ready
	.venv/bin/shoestring demo demo

# The three environments side by side: together they wait about as long as they compute.
# Killing builders takes long, and is no matter of versions, nor are disks and other programs: once
# is enough. On this Python the lowest versions run all the rest, but what compares pixels: they have
# the GDAL of the newest, so that runs in its place.
test:
	$(MAKE) --jobs=3 --output-sync=target machine newest lowest lint pixels

check: .venv/ready lint
	.venv/bin/python -m pytest -q -m "not torture and not once"

machine: .venv/ready
	.venv/bin/python -m pytest -q -m "torture or once"

pixels: .venv/ready
	.venv/bin/python -m pytest -q -m "pixels and not torture and not once"

# Of one Python, as it is about other programs. Those of Python that need a newer one, or versions that
# don't go with ours, have environments of their own, which their tests call.
test-doors:
	$(MAKE) --jobs=3 .venv-doors/ready .venv-doors-apart/ready doors-newest doors-browser
	rm -f .doors/results.json
	.venv-doors/bin/python -m pytest -q --timeout 600 $(DOORS)
	.venv-doors/bin/python tools/doors_table.py --check

docs: .venv-doors/ready
	test ! -e .doors/results.json || .venv-doors/bin/python tools/doors_table.py
	.venv-doors/bin/mkdocs build --strict

lint: .venv/ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

ifeq ($(NEWEST),)
newest:
	@echo "There is no newer CPython on this machine: the tests ran on $(PYTHON) only."
else
newest: .venv-newest/ready
	.venv-newest/bin/mypy
	.venv-newest/bin/python -m pytest -q -m "not torture and not once"
endif

# STAC Browser takes minutes to build, so it is built beside the environments.
doors-browser: .venv/ready
	PYTHONPATH=tests .venv/bin/python -m support.stac_browser

ifeq ($(NEWEST),)
doors-newest:
	@echo "There is no newer CPython on this machine: what needs one is not tried."
else
doors-newest: .venv-doors-newest/ready
endif

lowest: .venv-lowest/ready
	.venv-lowest/bin/python -m pytest -q -m "not torture and not once and not pixels"

.venv/ready: $(DIST)
	$(PYTHON) -m venv --upgrade-deps .venv
	.venv/bin/pip install $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	touch $@

.venv-newest/ready: $(DIST)
	$(NEWEST) -m venv --upgrade-deps .venv-newest
	.venv-newest/bin/pip install $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	touch $@

.venv-lowest/ready: $(DIST)
	$(PYTHON) -m venv --upgrade-deps .venv-lowest
	$(PYTHON) tools/lowest.py > .venv-lowest/lowest.txt
	.venv-lowest/bin/pip install $(PIP_FLAGS) -c .venv-lowest/lowest.txt -e '.[dev]'
	touch $@

.venv-doors/ready: $(DIST) $(DOORS)/requirements.txt
	$(PYTHON) -m venv --upgrade-deps .venv-doors
	.venv-doors/bin/pip install $(PIP_FLAGS) -c constraints.txt -r $(DOORS)/requirements.txt -e '.[dev,docs]'
	touch $@

.venv-doors-apart/ready: $(DOORS)/requirements-apart.txt
	$(PYTHON) -m venv --upgrade-deps .venv-doors-apart
	.venv-doors-apart/bin/pip install $(PIP_FLAGS) --no-deps -r $(DOORS)/requirements-apart.txt
	touch $@

.venv-doors-newest/ready: $(DOORS)/requirements-newest.txt
	$(NEWEST) -m venv --upgrade-deps .venv-doors-newest
	.venv-doors-newest/bin/pip install $(PIP_FLAGS) -r $(DOORS)/requirements-newest.txt
	touch $@

torture: .venv/ready
	SHOESTRING_INSTANTS=200 SHOESTRING_NIGHTS=365 .venv/bin/python -m pytest -q -m torture

schemas: .venv/ready
	.venv/bin/python -m shoestring_schema.generate
	.venv/bin/python tools/reference.py > docs/configuration.md

constraints:
	rm -rf .venv .venv-newest
	$(PYTHON) -m venv --upgrade-deps .venv && .venv/bin/pip install $(PIP_FLAGS) -e '.[dev,docs]'
	$(NEWEST) -m venv --upgrade-deps .venv-newest && .venv-newest/bin/pip install $(PIP_FLAGS) -e '.[dev,docs]'
	$(PYTHON) tools/pin.py .venv/bin/python .venv-newest/bin/python > constraints.txt

bench: .venv/ready
	.venv/bin/python benchmarks/extract.py

clean:
	rm -rf .venv .venv-newest .venv-lowest .venv-doors .venv-doors-newest .venv-doors-apart .doors .site demo
