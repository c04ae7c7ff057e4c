"""From arrays to a model folder, without torch: fitting a head, thresholds, int8, words, publishing."""
