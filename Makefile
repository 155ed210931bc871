PYTHON ?= python3
# Options of `hub start` or of pytest: make hub OPTIONS="--port 8600"
OPTIONS ?=

.PHONY: help hub test nightly check audit bench lock
help: ## Show what can be made
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10
hub: ## Build the environment, make a demo market if there are no bars, open the hub on 127.0.0.1:8501
	$(PYTHON) bootstrap.py hub $(OPTIONS)
test: ## Run all tests, the browser ones too
	$(PYTHON) bootstrap.py test $(OPTIONS)
nightly: ## Twenty simulated markets instead of three, 400 streams of every monitor, 200 kills of every step, a minute's lock
	$(PYTHON) bootstrap.py environment
	STATISTICS_SEEDS=20 .venv/bin/python -m pytest -q tests/statistics tests/ml_training/test_guard.py
	FAULT_KILLS=200 .venv/bin/python -m pytest -q tests/faults/test_retrain_faults.py tests/faults/test_killed_steps.py
	FAULT_LOCK_SECONDS=60 .venv/bin/python -m pytest -q tests/faults/test_live_faults.py
	HUB_RUNS=400 .venv/bin/python -m pytest -q tests/contracts/test_monitor_rates.py
check: ## Lint, types, layers, doctests
	$(PYTHON) bootstrap.py check
audit: ## Look for known vulnerabilities of what is installed, and for changed vendored files
	$(PYTHON) .ci/audit.py
bench: ## Run the benchmarks and write docs/performance.md
	$(PYTHON) bootstrap.py environment
	.venv/bin/python -m bench
lock: ## Pin the newest versions (needs uv)
	uv pip compile pyproject.toml --upgrade --universal --python-version 3.11 --generate-hashes --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --upgrade --extra dev --universal --python-version 3.11 --generate-hashes --no-header -q -c requirements.lock -o requirements-dev.lock
