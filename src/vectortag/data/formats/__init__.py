"""Data sets as other programs write them; `convert` makes a metadata.csv of each."""
