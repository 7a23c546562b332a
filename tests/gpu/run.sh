#!/bin/sh
# Proves search, embedding and generation on a GPU: that they are right, then how fast they are. Run it on a machine
# that has one; SHAPE is 1b or 8b, the random weights that write:
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
"$python" tests/gpu/engine_figures.py --shape "${SHAPE:-1b}" || echo "Generation and embedding weren't measured."
exec "$python" tests/gpu/figures.py "$@"
