"""Train many trials at once. Torch lives here; Optuna does not."""
