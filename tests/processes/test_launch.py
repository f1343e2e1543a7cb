"""Where a task is run: on this machine, or on a cluster where there is a scheduler."""

from lrsearch.processes import launch


def test_a_scheduler_decides_where_a_task_is_run(monkeypatch) -> None:
    """Each gets the task, its arguments and the poll; which process died is known on a cluster alone."""
    seen = []

    def on_machine(task, arguments, *, poll, restart):
        restart()
        return ["machine", task, arguments, poll]

    def on_cluster(task, arguments, scheduler, *, poll, lost):
        lost(frozenset({"worker"}))
        return [scheduler, task, arguments, poll]

    monkeypatch.setattr(launch, "run_workers", on_machine)
    monkeypatch.setattr(launch, "run_on_cluster", on_cluster)
    for scheduler in (None, "tcp://host:8786"):
        call = launch.run_in_processes(min, [(1,), (2,)], scheduler, poll=print, lost=seen.append)
        assert [scheduler or "machine", min, [(1,), (2,)], print] == call
    assert [frozenset(), frozenset({"worker"})] == seen
