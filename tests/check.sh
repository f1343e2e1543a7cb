#!/usr/bin/env bash
# Every check of a change, in the environment that is active: see CONTRIBUTING.md.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE

ruff check .
ruff format --check .
mypy
lint-imports
pytest --cov --cov-report= --cov-fail-under=0
pytest -m "integration and not slow" --durations=15 --cov --cov-append --cov-report=term
