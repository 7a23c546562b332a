"""The vectors of chunks' tokens, kept beside those of the chunks."""
