"""The search over schedule families. Optuna lives here."""
