# Two commands: `make demo` sets up and runs the demo, `make test` sets up and runs the tests.
ifndef PYTHON
PYTHON := $(shell command -v python3.11 || command -v python3 || echo python3.11)
endif
VENV ?= .venv
CONFIGFILE ?= config/config.yaml
DIRECTORY ?= .
# A variable as one word for the shell, whatever is in it: spaces, quotes, $(...).
quoted = '$(subst ','\'',$(value $(1)))'
BIN = $(call quoted,VENV)/bin
SNAKEMAKE = $(BIN)/snakemake --profile profiles/local --configfile $(call quoted,CONFIGFILE) \
	--directory $(call quoted,DIRECTORY)

.PHONY: help setup demo test test-cluster test-htcondor test-reference test-oldest zoo-int8 docs lint format

help:            ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/'

setup:           ## make the virtual environment, build Horovod
	@command -v $(call quoted,PYTHON) > /dev/null || { echo "setup: error: found no Python, expected 3.11; install python3.11"; exit 1; }
	@$(call quoted,PYTHON) envs/setup_env.py --venv $(call quoted,VENV)

demo: setup      ## simulate, train, clean, compare: results/report.html
	$(SNAKEMAKE)
	@echo demo: open $(call quoted,DIRECTORY)/results/report.html, the table is \
		$(call quoted,DIRECTORY)/results/tables/methods.md

test: setup      ## all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-cluster: setup  ## the workflow on a real Slurm on this machine (installs it by apt, as root)
	@envs/install_slurm.sh
	$(BIN)/python -m pytest tests/cluster

test-htcondor: setup  ## what profiles/htcondor would submit, by HTCondor's bindings (installs envs/htcondor.txt); no pool
	$(BIN)/python -m pip install --quiet -r envs/htcondor.txt
	$(BIN)/python -m pytest tests/cluster/test_htcondor.py

test-reference: setup  ## numbers of a seeded event of six APAs and of trainings, bit by bit (ten minutes)
	PYTHONPATH=workflow:tests $(BIN)/python tests/reference.py compare small six trainings

test-oldest:     ## models and training on the oldest torch (a second environment, 3 GB)
	@test -x $(call quoted,VENV)-oldest/bin/python || $(call quoted,PYTHON) -m venv $(call quoted,VENV)-oldest
	$(call quoted,VENV)-oldest/bin/python -m pip install --quiet -r envs/oldest.txt
	PYTHONPATH=workflow $(call quoted,VENV)-oldest/bin/python -m pytest -p no:cacheprovider \
		--ignore tests/unit/learning/test_portable.py tests/unit/learning

zoo-int8: setup  ## the INT8 files of the shipped U-Net: calibrated on simulated planes, checked on others (five minutes)
	$(BIN)/snakemake --profile profiles/local --configfile config/clean.yaml config/zoo_int8.yaml \
		--directory $(call quoted,DIRECTORY) $(foreach s,cosmic beam angles_u angles_v check,results/events/int8_$(s).h5)
	for family in induction collection; do PYTHONPATH=workflow $(BIN)/python -m protodune.stages.learn.quantize \
		--weights zoo/unet.$$family.safetensors --family $$family --check $(call quoted,DIRECTORY)/results/events/int8_check.h5 \
		--calibration $(call quoted,DIRECTORY)/results/events/int8_[!c]*.h5 $(call quoted,DIRECTORY)/results/events/int8_cosmic.h5 \
		|| exit 1; done

docs: setup      ## the documentation as a site: site/index.html
	$(BIN)/mkdocs build --strict --quiet
	@echo "docs: open site/index.html"

lint: setup      ## style of Python and Snakemake files, Snakemake's own lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

format: setup    ## bring all files into style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules
