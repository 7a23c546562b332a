"""The command line with a catalogue of two small models of a hub; run as a program."""

from __future__ import annotations

import sys
from hashlib import sha256

from ragbraid.models import catalogue
from ragbraid.models.catalogue import File, Model, Wheel

FOLDER = Model(
    "tiny-embedder", "embedder", "MIT", ("de",), "o/tiny", hub_files=("*.json", "*_*/*.json", "model.gguf")
)
FILE = Model(
    "tiny-gguf", "generator", "MIT", ("en",), "o/tiny", file="model.gguf", hub_files=("model.gguf",), size=9
)
CONFIG = b'{"a": 1}'
WHEEL = Model(
    "tiny-wheel", "embedder", "MIT", ("en",), "o/tiny", wheel=Wheel("tiny-weights", "1.0", "tiny_weights"),
    files={"config.json": File(len(CONFIG), sha256(CONFIG).hexdigest())},
)  # fmt: skip

if __name__ == "__main__":
    catalogue.catalogue = lambda: {each.name: each for each in (FOLDER, FILE, WHEEL)}  # type: ignore[assignment]
    if sys.argv[1] == "--at-most":  # no file may grow larger than this
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
        del sys.argv[1:3]
    from ragbraid.cli.main import main

    main()
