"""Pipelines for models that use tools: the Model Context Protocol, on standard streams and over HTTP."""
