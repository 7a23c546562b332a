"""Runs that are kept: what each step of a question gave, in a file, to be run again and compared."""
