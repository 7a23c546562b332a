"""Pipelines and stores of other frameworks, written and read; none of the frameworks is needed for it."""
