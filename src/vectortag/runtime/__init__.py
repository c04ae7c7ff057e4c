"""From photos to embeddings: pixels, one interface to the runtimes, ordered work on all cores."""
