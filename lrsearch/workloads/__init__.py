"""What lrsearch itself trains: a model, its data, its loss and its metric.

Owns the built-in LeNet, the data sets and the split. May import config and torch. Begin with workload.py.
"""

from lrsearch.workloads.trust import refuse_foreign_workload
from lrsearch.workloads.workload import Dataset, Split, Workload, load_data, load_workload, split_examples

__all__ = ["Dataset", "Split", "Workload", "load_data", "load_workload", "refuse_foreign_workload", "split_examples"]
