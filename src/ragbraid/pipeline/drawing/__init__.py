"""A pipeline's graph as text: a tree for the terminal, Mermaid, DOT and SVG."""
