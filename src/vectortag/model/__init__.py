"""The model folder and all that is in it: manifest, head, taxonomy, calibration, words."""
