"""Training: the only place where torch is imported. Start reading at `recipe.py`."""
