"""What a training keeps in its run folder, beside the logs."""

BEST = "best.ckpt"
LAST = "last.ckpt"
BACKBONE = "backbone.safetensors"
"""The backbone of the best epoch, which another training can start from."""
CONFIG = "config.json"
TAGS = "tags.json"
"""The tags that are learnt, in the order of the head's outputs."""
