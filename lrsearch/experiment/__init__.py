"""A study file with what it trains loaded, a workload or runs of your own, and its search space resolved.

Owns the seeds, the space and the options of a run. May import processes and everything below it. Begin with
experiment.py, then workload_experiment.py and run_experiment.py.
"""
