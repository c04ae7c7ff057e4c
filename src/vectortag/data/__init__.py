"""Data sets: from metadata.csv and folders of photos to records, vocabularies, splits and targets."""
