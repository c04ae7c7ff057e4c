"""What a training keeps in its run folder, beside the logs."""

BEST = "best.ckpt"
LAST = "last.ckpt"
CONFIG = "config.json"
TAGS = "tags.json"
"""The tags that are learnt, in the order of the head's outputs."""
