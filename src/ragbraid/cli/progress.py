from contextlib import nullcontext
def download(n,q): return nullcontext()
def ingest(q): return nullcontext()
