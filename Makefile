# Everything one does here. It needs only Python >= 3.11; the first recipe that wants packages makes .venv.

PYTHON ?= python3
CONFIG ?= examples/quickstart
IMAGE ?= dragoman
KIND ?=
PROFILES ?= GATEWAY-HTTP,GATEWAY-GRPC
CHANNEL ?= standard
# More arguments: make test ARGS="-k weights"
ARGS ?=
# Among how many processes the tests are shared; 0: one does them all, in order.
JOBS ?= 2

BIN := .venv/bin
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate
LOCK := $(COMPILE) pyproject.toml
# Beside the others in .venv, so in no other version than they have.
DOCS_LOCK := $(COMPILE) --python-version 3.11 --constraint requirements/dev.txt --group docs
# The tests that start no process: the rest is for `make test`.
QUICK := not (envoy or system or image or faults or kubernetes or cluster or promtool or guard or friends)

.PHONY: help run cluster test e2e conformance friends system check golden crds docs lintdocs metrics monitoring envoyapi bench guard fuzz image lock clean
.DEFAULT_GOAL := help

help: ## list the recipes
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

run: .venv/runtime.stamp ## serve a folder with a real Envoy until Ctrl-C: CONFIG=examples/quickstart
	@exec $(BIN)/dragoman run "$(CONFIG)"

cluster: system .venv/dev.stamp ## start a real Kubernetes with Dragoman in it, until Ctrl-C
	@exec $(BIN)/python -m tests.e2e.cluster

test: system .venv/dev.stamp ## run every test; what they need from the system is installed, or named
	@exec $(BIN)/python -m pytest -n $(JOBS) $(ARGS)

e2e: system .venv/dev.stamp ## run the tests of the whole in Kubernetes; KIND=1: in the kind cluster of kind-config.yaml
	@test "$(KIND)" != 1 || { scripts/build-image dragoman && kind load docker-image dragoman --name dragoman; }
	@KIND=$(KIND) $(BIN)/python -m pytest -m cluster $(ARGS)

conformance: system .venv/dev.stamp ## run Gateway API's suite: PROFILES=GATEWAY-HTTP CHANNEL=experimental ARGS="--run-test=NAME"
	@exec $(BIN)/python -m tests.conformance --profiles=$(PROFILES) --channel=$(CHANNEL) $(ARGS)

friends: system .venv/dev.stamp ## run cert-manager, Argo Rollouts, Flagger and external-dns against Dragoman; built first, once
	@exec $(BIN)/python -m tests.friends $(ARGS)

system:
	@scripts/install-system

check: .venv/dev.stamp ## format, lint, types, import walls, and the tests that start nothing
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q -m "$(QUICK)" $(ARGS)

golden: .venv/dev.stamp ## rewrite what the golden cases give, and what the manifests allow
	@$(BIN)/python -m tests.golden
	@$(BIN)/python -m tests.deploy

crds: .venv/dev.stamp ## rewrite what is made in deploy/ and charts/ from the code's own kinds
	@$(BIN)/python -m crds

docs: .venv/docs.stamp .venv/dev.stamp ## build the pages of docs/ into a site with a search, in .build/site; its links are checked
	@exec $(BIN)/python -m docsite

lintdocs: .venv/dev.stamp ## rewrite the pages of docs/lint from the codes' own definitions
	@$(BIN)/python -m lint

metrics: .venv/dev.stamp ## rewrite the table in docs/metrics.md from the code's own metrics
	@$(BIN)/python -m diagnostics.page

monitoring: .venv/dev.stamp ## rewrite the chart's alerts and boards
	@$(BIN)/python -m monitoring

envoyapi: .venv/dev.stamp ## rewrite the encoders from envoy-data-plane
	@$(BIN)/python -m envoyapi.generate

bench: .venv/dev.stamp ## the table of costs, with a plot; noted in tests/bench/history.md: ARGS="--only guard changes"
	@$(BIN)/python -m tests.bench $(ARGS)

guard: .venv/dev.stamp ## hold the translator's CPU against the floor; ARGS=--write makes what is measured the reference
	@$(BIN)/python -m tests.bench.guard $(ARGS)

fuzz: .venv/dev.stamp ## mutated objects beside good ones for 10 minutes: ARGS="--minutes 60 --seed 1 --serving"
	@$(BIN)/python -m tests.fuzz $(ARGS)

image: ## build the container image: IMAGE=dragoman
	@scripts/build-image "$(IMAGE)"

lock: .venv/dev.stamp ## resolve pyproject.toml into requirements/, with hashes; pins stay where they can
	$(LOCK) --output-file requirements/runtime.txt >/dev/null
	$(LOCK) --group dev --output-file requirements/dev.txt >/dev/null
	$(DOCS_LOCK) --output-file requirements/docs.txt >/dev/null

clean: ## remove .venv and what the tools leave
	rm -rf .venv .build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is younger than its list of packages exactly when these are installed.
.venv/%.stamp: requirements/%.txt scripts/dragoman | .venv/made.stamp
	@echo "installing $< into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@for name in dragoman kubectl-dragoman kubectl_complete-dragoman; do ln -sfn ../../scripts/dragoman $(BIN)/$$name; done
	@touch $@

.venv/made.stamp:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one: make PYTHON=python3.12")'
	@$(PYTHON) -m venv .venv
	@touch $@
