"""What a study file says: its tables, its fixed schedules, and the whole of it.

Owns the validation of everything that a user writes in a file. May import metric, names and schedules. Begin with
study.py, then the tables: study_tables.py, plan_tables.py, run_table.py, baseline.py.
"""

from lrsearch.config.built_in import built_in_studies, built_in_study, is_study_file
from lrsearch.config.study import BUILT_IN_WORKLOAD, StudyConfig
from lrsearch.config.study_tables import MOST_EPOCHS, OptimizerConfig

__all__ = [
    "BUILT_IN_WORKLOAD",
    "MOST_EPOCHS",
    "OptimizerConfig",
    "StudyConfig",
    "built_in_studies",
    "built_in_study",
    "is_study_file",
]
