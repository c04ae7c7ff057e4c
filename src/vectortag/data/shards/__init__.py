"""Resized photos of a data set in tar files, with their words: what a training reads instead of millions of files."""
