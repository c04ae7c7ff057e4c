"""What one user adds to a model: tags from photos and from words, corrections."""
