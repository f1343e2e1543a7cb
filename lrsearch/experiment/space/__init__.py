"""What is searched, as distributions of Optuna: the one door of this room to it.

Owns the space of a study and the schedules that are suggested from one. May import schedules, config and errors. Begin
with space.py.
"""

from lrsearch.experiment.space.space import FAMILY, Space, known_params, study_space

__all__ = ["FAMILY", "Space", "known_params", "study_space"]
