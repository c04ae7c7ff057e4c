"""Decoding photos: what a file is, what it costs, and its pixels as 8-bit RGB."""
