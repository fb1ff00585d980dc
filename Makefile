# make demo      set up, then train and test on small generated images
# make vrd       set up, then train and test on the annotation of Stanford VRD
# make gqa       set up, then train and test on the annotation of GQA-200
# make photo     set up, then find the graph of a photo (PHOTO=a.jpg)
# make test      set up, then lint and run the tests
# make test-web  set up, then run the tests of the web page, in Chromium
# make test-detectors  set up, then put LinkNet on mmdet's detectors, one of each
#                kind; half an hour
# make docs      build the site of docs/ into build/site, in .venv-docs
# make test-gpu  set up, then run the tests that a GPU runs beside the CPU
# make bench-gpu set up, then time every head and some models, on a GPU where
#                there is one
# make coverage  set up, run the tests, and say which lines of mmsgg they ran
#
# The first call makes .venv and installs everything into it; the next one
# installs nothing unless a requirements file or setup.cfg changed. It needs
# Python 3.10 to 3.13 (mmdet's dependencies contradict each other on 3.14) with
# its headers and a C++ compiler, because mmcv comes as source.
#
#   make vrd VRD_ROOT=/data/vrd               where the files of VRD are
#   make gqa GQA_ROOT=/data/gqa               where those of GQA-200 are
#   make gqa GQA_ARGS='--seeds 0'             what the benchmark is told (VRD_ARGS
#                                             likewise)
#   make photo PHOTO=a.jpg PHOTO_ARGS='--topk 5'  what the demo is told
#   make test PYTHON=python3.12               the Python that .venv is made with
#   make test PYTEST_ARGS='tests/test_engine -x'      what pytest is told
#   make test STACK=upstream                  another stack of packages, that of
#                                             requirements/upstream.txt, in an
#                                             environment of its own
#   make test WORKERS=4                       how many processes run the tests;
#                                             with 0 --pdb and -s work
#
# pip's own settings count, PIP_FIND_LINKS and PIP_EXTRA_INDEX_URL among them:
# pointed at PyTorch's CPU wheels they save the CUDA libraries (several GB) on
# a machine without a GPU.

PYTHON ?= python3
PYTEST_ARGS ?=
PHOTO_ARGS ?=
VRD_ARGS ?=
GQA_ARGS ?=
BENCH_ARGS ?=
WORKERS ?= 2
STACK ?= onedl
VRD_ROOT ?= data/vrd
GQA_ROOT ?= data/gqa

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

REQUIREMENTS := requirements/$(STACK).txt
MMCV := $(shell grep -oE '^(onedl-)?mmcv' $(REQUIREMENTS) 2>/dev/null)
# No wheel of torch 2.1 for a newer Python is there.
LAST_PYTHON := $(if $(filter upstream,$(STACK)),11,13)

VENV := .venv$(if $(filter-out onedl,$(STACK)),-$(STACK))
STAMP := $(VENV)/.installed
VENV_PYTHON := $(VENV)/bin/python
PIP_INSTALL := $(VENV_PYTHON) -m pip install --disable-pip-version-check \
	--no-input
# Torch finds ninja, which compiles in parallel, on the PATH only. CFLAGS takes
# the place of Python's own flags, whose debug symbols triple the time.
BUILD_MMCV = PATH="$(CURDIR)/$(VENV)/bin:$$PATH" MMCV_WITH_OPS=1 \
	CFLAGS="$${CFLAGS:--O3 -g0 -DNDEBUG -fwrapv}" \
	$(PIP_INSTALL) --no-build-isolation -c $(REQUIREMENTS) $(MMCV)

# Threads that wait for each other asleep, not spinning: a core that another
# program takes would else slow training by a factor of ten.
QUIET_WAIT := OMP_WAIT_POLICY=PASSIVE
PYTEST := OMP_NUM_THREADS=1 $(QUIET_WAIT) $(VENV_PYTHON) -m pytest
# by files, in the order that tests/conftest.py gives them
IN_PARALLEL = -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Scripts and the editable install hold absolute paths, so a .venv that was
# moved or copied, or whose Python is gone, is made anew.
VENV_OK := $(shell grep -qsF '$(CURDIR)/$(VENV)' $(VENV)/bin/activate \
	&& $(VENV_PYTHON) -c 'import pip' 2>/dev/null && echo yes)
USED_PYTHON := $(if $(VENV_OK),$(VENV_PYTHON),$(PYTHON))

.PHONY: help demo vrd gqa photo test test-web test-detectors test-gpu \
	bench-gpu coverage lint clean distclean docs FORCE

help:
	@echo 'make demo       train and test on small generated images'
	@echo 'make vrd        train and test on Stanford VRD (VRD_ROOT=data/vrd)'
	@echo 'make gqa        train and test on GQA-200 (GQA_ROOT=data/gqa)'
	@echo 'make photo      the graph of a photo (PHOTO=a.jpg), without a GPU'
	@echo 'make test       lint, then run the tests (PYTEST_ARGS=...)'
	@echo 'make coverage   the tests, and which lines of mmsgg they run'
	@echo 'make test-detectors  LinkNet on one detector of each folder of mmdet'
	@echo 'make test-gpu   the tests of models on a GPU; skipped without one'
	@echo 'make bench-gpu  time heads and models (BENCH_ARGS=...)'
	@echo 'make test-web   the tests of the web page; Chromium must be there'
	@echo 'make docs       build the site of docs/ into build/site'
	@echo 'make lint       ruff check, ruff format --check and mypy'
	@echo 'make clean      delete caches and build output'
	@echo 'make distclean  make clean, and delete .venv and .venv-*'
	@echo 'PYTHON=...      the Python >= 3.10 to make .venv with (python3)'
	@echo 'STACK=upstream  with upstream mmdet on torch 2.1, in .venv-upstream'

demo: $(STAMP)
	$(QUIET_WAIT) $(VENV_PYTHON) demo/toy_demo.py

vrd: $(STAMP)
	$(QUIET_WAIT) $(VENV_PYTHON) tools/analysis_tools/benchmark_vrd.py \
		--data-root '$(VRD_ROOT)' $(VRD_ARGS)

gqa: $(STAMP)
	$(QUIET_WAIT) $(VENV_PYTHON) tools/analysis_tools/benchmark_gqa.py \
		--data-root '$(GQA_ROOT)' $(GQA_ARGS)

photo: $(STAMP)
	@[ -n '$(PHOTO)' ] || { echo 'Name a photo, or a folder of them: make' \
		'photo PHOTO=a.jpg' >&2; exit 1; }
	$(QUIET_WAIT) $(VENV_PYTHON) projects/photo_demo/photo_demo.py '$(PHOTO)' \
		--data-root '$(VRD_ROOT)' $(PHOTO_ARGS)

test: lint
	$(PYTEST) $(IN_PARALLEL) $(PYTEST_ARGS)

test-web: $(STAMP)
	$(PYTEST) projects/web_demo $(PYTEST_ARGS)

coverage: $(STAMP)
	$(PYTEST) $(IN_PARALLEL) --cov $(PYTEST_ARGS)

test-detectors: $(STAMP)
	MMSGG_ALL_DETECTORS=1 $(PYTEST) -n $(WORKERS) \
		tests/test_models/test_all_detectors.py $(PYTEST_ARGS)

test-gpu: $(STAMP)
	$(PYTEST) tests/test_models/test_devices.py -k cuda -rs $(PYTEST_ARGS)

bench-gpu: $(STAMP)
	$(VENV_PYTHON) tools/analysis_tools/benchmark_device.py $(BENCH_ARGS)

lint: $(STAMP)
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m mypy

$(STAMP): $(if $(MMCV),$(REQUIREMENTS)) requirements/tests.txt \
		projects/web_demo/requirements.txt setup.cfg $(if $(VENV_OK),,FORCE)
	@rm -f $@
	@[ -n '$(MMCV)' ] || { echo "There is no stack '$(STACK)', only onedl" \
		'and upstream.' >&2; exit 1; }
	@$(USED_PYTHON) -c 'import sys; sys.exit(not \
		(3, 10) <= sys.version_info[:2] <= (3, $(LAST_PYTHON)))' \
		|| { echo 'mmsgg needs Python 3.10 to 3.$(LAST_PYTHON) with the' \
		'stack "$(STACK)", which "$(USED_PYTHON)" is not: name another' \
		'one with make PYTHON=...' >&2; exit 1; }
	@$(USED_PYTHON) -c 'import ensurepip, venv' || { echo 'This Python' \
		'cannot make a virtual environment: install its venv package' \
		'(python3-venv on Debian and Ubuntu).' >&2; exit 1; }
	@$(USED_PYTHON) -c 'import os, sys, sysconfig; sys.exit(not \
		os.path.exists(sysconfig.get_path("include") + "/Python.h"))' \
		|| { echo 'mmcv is compiled here and needs the header Python.h:' \
		'install python3-dev, or the like.' >&2; exit 1; }
	@set -- $${CXX:-c++}; command -v "$$1" >/dev/null || { echo "mmcv is" \
		"compiled here, and there is no C++ compiler '$$1': install g++" \
		"or clang++, or name one with CXX=..." >&2; exit 1; }
	@[ -n '$(VENV_OK)' ] || { echo '== making $(VENV)'; \
		$(PYTHON) -m venv --clear $(VENV); }
	@echo '== 1/4 torch and the tools that mmcv is built with'
	$(PIP_INSTALL) -c $(REQUIREMENTS) torch numpy setuptools wheel ninja psutil
	@echo '== 2/4 mmcv; unless pip has a wheel of it, compiling mmcv,' \
		'5 minutes on 2 cores, once'
	$(BUILD_MMCV)
	@echo '== 3/4 the other packages'
	$(PIP_INSTALL) -r $(REQUIREMENTS) -r requirements/tests.txt \
		-r projects/web_demo/requirements.txt
# opencv-python needs libGL, which bare machines lack; the headless twin, put
# over it, does not.
	@$(VENV_PYTHON) -c 'import cv2' 2>/dev/null || { echo '== no libGL:' \
		'taking the headless OpenCV'; $(PIP_INSTALL) --force-reinstall \
		--no-deps -c $(REQUIREMENTS) opencv-python-headless; }
# pip's cached wheel may have been compiled for another torch.
	@$(VENV_PYTHON) -c 'import mmcv.ops' || { echo '== this mmcv does not' \
		'load here: compiling it anew'; $(BUILD_MMCV) --force-reinstall \
		--no-deps --no-cache-dir --no-binary $(MMCV); }
# A second opinion of a test, which is skipped without it: it asks for
# numpy < 2, and gives the same values on any.
	-$(PIP_INSTALL) --no-deps sgbench==1.0.0
	@echo '== 4/4 mmsgg itself, editable'
	$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

# Strict: a link or an anchor that leads nowhere is an error.
docs: .venv-docs/.installed
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/python -m mkdocs build

.venv-docs/.installed: requirements/docs.txt
	$(PYTHON) -m venv --clear .venv-docs
	.venv-docs/bin/python -m pip install --disable-pip-version-check \
		--no-input -r requirements/docs.txt
	@touch $@

clean:
	rm -rf build dist ./*.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv*' -prune \
		-exec rm -rf {} +

distclean: clean
	rm -rf .venv .venv-*
