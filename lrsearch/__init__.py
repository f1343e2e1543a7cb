"""Compare learning-rate schedules: which one to use, how sure that is, and whether the difference matters."""
