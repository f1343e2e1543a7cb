"""Where a task is run: on this machine, or on a cluster where there is a scheduler."""

from lrsearch.processes import launch


def test_a_scheduler_decides_where_a_task_is_run(monkeypatch) -> None:
    """Each gets the task, its arguments and the poll; here nobody can say which process died, there one can."""
    seen = []

    def here(task, arguments, *, poll, restart):
        restart()
        return ["here", task, arguments, poll]

    def there(task, arguments, scheduler, *, poll, lost):
        lost(frozenset({"worker"}))
        return [scheduler, task, arguments, poll]

    monkeypatch.setattr(launch, "run_workers", here)
    monkeypatch.setattr(launch, "run_on_cluster", there)
    for scheduler in (None, "tcp://host:8786"):
        found = launch.run_in_processes(min, [(1,), (2,)], scheduler, poll=print, lost=seen.append)
        assert [scheduler or "here", min, [(1,), (2,)], print] == found
    assert [frozenset(), frozenset({"worker"})] == seen
