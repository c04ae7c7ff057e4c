"""The version of VectorTag, where the packaging reads it, too."""

__version__ = "0.1.0"
