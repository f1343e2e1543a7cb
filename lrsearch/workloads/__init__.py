"""What lrsearch itself trains: a model, its data, its loss and its metric.

Owns the built-in LeNet, the data sets and the split. May import config, metric and torch. Begin with workload.py.
"""

from lrsearch.workloads.dataset import Dataset
from lrsearch.workloads.split import Split
from lrsearch.workloads.workload import Workload, load_data, load_workload

__all__ = ["Dataset", "Split", "Workload", "load_data", "load_workload"]
