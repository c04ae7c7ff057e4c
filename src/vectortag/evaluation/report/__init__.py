"""The report of a model for a person to look at: curves, tables, examples."""
