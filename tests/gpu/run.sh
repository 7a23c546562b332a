#!/bin/sh
# Proves search on a GPU: that it is right, then how fast it is. Run it on a machine that has one:
#
#   sh tests/gpu/run.sh [--count 1000000]
#
# It needs Python with ragbraid's `local` extra, pytest and hypothesis, and torch with CUDA or `faiss-gpu`; what
# isn't there is skipped by name. PYTHON names another interpreter than `python3`.
set -eu
cd "$(dirname "$0")/../.."
export PYTHONPATH="src:tests${PYTHONPATH:+:$PYTHONPATH}"
python=${PYTHON:-python3}
"$python" -m pytest -c /dev/null --rootdir . -p no:cacheprovider -q -rs tests/gpu tests/index/test_on_gpu.py
exec "$python" tests/gpu/figures.py "$@"
