"""The version of VectorTag; the packaging reads it here, too."""

__version__ = "0.1.0"
