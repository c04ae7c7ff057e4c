"""Words among what a network knows: how well a text fits a photo."""
