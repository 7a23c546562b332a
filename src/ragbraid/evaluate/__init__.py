"""How good a pipeline is, measured on questions with known answers."""
