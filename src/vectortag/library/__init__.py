"""A photo library: tagged once, kept in one SQLite file, searched, and written where other programs read it."""
