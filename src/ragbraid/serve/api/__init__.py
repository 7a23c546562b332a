"""ragbraid's own endpoints, under /api."""
