"""A pipeline as a file or script of another framework."""
