"""Pipelines and stores of other frameworks, read."""
