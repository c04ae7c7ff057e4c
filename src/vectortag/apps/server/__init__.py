"""The HTTP service: photos in, tags and heat maps out. `run.py` starts it, `app.py` has its routes."""
