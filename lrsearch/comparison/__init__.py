"""The statistics of the verdict: arrays in, frozen results out. NumPy and SciPy alone."""
