"""What ends a run before its last update."""


class Pruned(Exception):
    """The search ends this run, because others of its family were better at the same step.

    Raised by `Run.report`. It is recorded before it is raised: a training function may let it pass, or catch it to put
    things in order, and need not know of it.
    """


class Stopped(BaseException):
    """The run was asked to end, and has written its state: no training function is to catch this."""


class Diverged(Exception):
    """The run has diverged: raised by `Run.report` for a score that is not finite, or by a training function itself."""
