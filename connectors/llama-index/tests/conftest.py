"""What all tests of the connector share: no model is fetched."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
