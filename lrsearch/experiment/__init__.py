"""A study file with its workload loaded, its data split and its search space resolved.

Owns the seeds, the space and the options of a run. May import processes and everything below it. Begin with
experiment.py.
"""
