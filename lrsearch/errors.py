"""The errors that a person can act on: invalid input, and a run that cannot continue."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input from a person: a flag, a study file, a data folder, a storage address.

    Its message is one line that names the thing, the rule and the value given. The command line prints it without a
    traceback and exits with code 2; a notebook sees an ordinary ValueError.
    """


class RunError(RuntimeError):
    """The run cannot continue: the disk is full, the database is damaged or read-only, a server or scheduler is gone.

    Its message is one line that says what happened and what to do. The command line prints it without a traceback and
    exits with code 1.
    """


class StorageLost(RunError):
    """The database was deleted or replaced while it was in use: what was written since is lost with it."""


class RunsCrashed(RunError):
    """Runs of a person's own code have crashed, which the same command would not change."""

    @classmethod
    def of(cls, what: str) -> RunsCrashed:
        """Return the error that says what has crashed, and what to do."""
        return cls(f"{what}: see lrsearch trials --crashed, mend the script, then run optimize with --retry-crashed")


class AllDiverged(RunError):
    """Every trial of a search has diverged, which the same command would not change."""

    remedy = "give base_lr a lower upper end in [ranges], or let lrsearch doctor look at what is trained"

    @classmethod
    def of(cls, name: str) -> AllDiverged:
        """Return the error of the study `name`, with what to change."""
        return cls(f"no trial of {name!r} was trained to its end without diverging: {cls.remedy}")
