"""A photo library: kept, searched, written where other programs read it."""
