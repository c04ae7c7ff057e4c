"""How good a finished model is: figures, protocols of papers, model card, report."""
