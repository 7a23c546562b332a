"""Pipelines as a service: OpenAI's API, ragbraid's own, MCP and a page, from the same YAML files."""
