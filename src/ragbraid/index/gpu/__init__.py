"""Search on a GPU: which there is, and what it does there."""
