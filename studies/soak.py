"""Kill, pause and restart everything while a search runs, then check that nothing was lost, doubled or changed.

    python studies/soak.py --kills 200 --seed 0
    python studies/soak.py --kills 200 --seed 0 --postgresql

Three commands search one study at the same time: two as if on machines of their own, whose silent trials the others
take over after three seconds, and one with two worker processes. A seeded draw sends SIGKILL to any of these processes,
or SIGSTOP and, some seconds later, SIGCONT; the PostgreSQL server, where one is asked for, crashes and starts again.
When the total is reached a last run goes undisturbed, every finished trial is trained again alone, and the invariants
are checked; then the next round begins in a new database. The exit code is 1 if one of them fails.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.context import ForkServerProcess as Process
from pathlib import Path

import optuna
import psutil
from optuna.trial import FrozenTrial, TrialState
from soak_checks import Reference, Tally, check

from lrsearch.__main__ import main
from lrsearch.config import StudyConfig
from lrsearch.errors import InputError
from lrsearch.runs.checkpoints.pace import PAUSE_VARIABLE
from lrsearch.search import optimize as run
from lrsearch.storage import load_study, open_existing
from lrsearch.trials.checkpoints import FOLDER_VARIABLE
from lrsearch.trials.heartbeat import Watch

sys.path.append(str(Path(__file__).parents[1]))
from tests.postgres_server import PostgresServer, postgres_server

_NAME = "soak"
_FAMILIES = ("constant", "cosine", "linear", "reduce_on_plateau")
_COMMANDS = {"a": ("--workers", "1"), "b": ("--workers", "1"), "": ("--workers", "2")}
"""The machines' names and their commands' flags; without a name it is this machine."""

_FORKS = multiprocessing.get_context("forkserver")
"""Commands begin with what this file imports: most of the time would go into that, after every kill."""


def study_file(epochs: int, workload: str | None) -> str:
    """Return the study that is searched: digits with momentum, or a workload of one's own."""
    source = f'workload = "{workload}"\n' if workload else '[data]\ndataset = "digits"\n'
    return (
        f'name = "{_NAME}"\nseed = 7\n{source}[training]\nepochs = {epochs}\n'
        '[optimizer]\nname = "sgd"\nmomentum = 0.9\n'
        f'[search]\nfamilies = {list(_FAMILIES)}\nsampler = "random"\n'
    )


@dataclass
class Round:
    """One database, its commands, and what is done to them."""

    folder: Path
    trials: int
    rng: random.Random
    tally: Tally
    wanted: dict[str, tuple[str, ...]]
    server: PostgresServer | None
    commands: dict[str, Process] = field(default_factory=dict)
    paused: list[tuple[float, psutil.Process]] = field(default_factory=list)

    @property
    def storage(self) -> str:
        """The address of the database."""
        return self.server.url if self.server else f"sqlite:///{self.folder}/soak.db"

    def start(self, machine: str, *flags: str) -> Process:
        """Start `optimize` as if on a machine of this name."""
        arguments = ["optimize", f"{self.folder}/soak.toml", "--storage", self.storage, "--trials", str(self.trials)]
        arguments += ["--lanes", "2", "--device", "cpu", *flags]
        command = _FORKS.Process(target=as_machine, args=(machine, arguments, self.folder / "log.txt"))
        command.start()
        return command

    def disturb(self, go_on: Callable[[], bool], mean_seconds: float) -> None:
        """Let the commands work, killed and paused at random, until the total is reached or it is time to end."""
        while go_on() and self.finished() < self.trials:
            for machine, flags in self.wanted.items():
                if machine not in self.commands or not self.commands[machine].is_alive():
                    self.commands[machine] = self.start(machine, *flags)
            time.sleep(self.rng.expovariate(1 / mean_seconds))
            self._wake()
            if self.server and self.rng.random() < 0.1:
                self._restart(self.server)
            elif victims := self._victims(parent="" in self.wanted and self.rng.random() < 0.15):
                name, process = self.rng.choice(victims)
                with suppress(psutil.NoSuchProcess):
                    self._hit(name, process)

    def calm(self) -> int:
        """Let what is paused go on and what runs come to its end, then run once undisturbed; return its exit code."""
        self._wake(all_of_them=True)
        for command in self.commands.values():
            command.join()
        last = self.start("c", "--workers", "1")
        last.join()
        return last.exitcode

    def finished(self) -> int:
        """Return how many trials are finished."""
        return sum(trial.state.is_finished() and trial.values is not None for trial in self.stored())

    def stored(self) -> list[FrozenTrial]:
        """Return the trials in the database."""
        if not self.server and not (self.folder / "soak.db").exists():
            return []
        # As a reader: a process that is paused in the middle of a write would hold up another writer, and this is one
        # that is to wake it.
        try:
            return load_study(open_existing(self.storage), _NAME).get_trials(deepcopy=False)
        except InputError:  # it is being made
            return []

    def _restart(self, server: PostgresServer) -> None:
        """Let the server crash, and start it again some seconds later."""
        server.stop("immediate")
        time.sleep(self.rng.uniform(0.0, 4.0))
        server.start()
        self.tally.restarts += 1

    def _hit(self, name: str, process: psutil.Process) -> None:
        if self.rng.random() < 0.25:
            process.suspend()
            self.paused.append((time.monotonic() + self.rng.uniform(1.0, 8.0), process))
            self.tally.pauses += 1
        else:
            process.kill()
            self.tally.kills[name] += 1

    def _wake(self, *, all_of_them: bool = False) -> None:
        due = [p for until, p in self.paused if all_of_them or until < time.monotonic()]
        self.paused = [(until, p) for until, p in self.paused if p not in due]
        for process in due:
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def _victims(self, *, parent: bool) -> list[tuple[str, psutil.Process]]:
        """Return the processes that train at this moment, or the one that started the workers, by what they are."""
        victims: list[tuple[str, psutil.Process]] = []
        if parent:
            with suppress(psutil.NoSuchProcess):
                victims.append(("parent of workers", psutil.Process(self.commands[""].pid)))
            return victims
        for trial in self.stored():
            if trial.state == TrialState.RUNNING and "worker" in trial.user_attrs:
                machine, process, _ = trial.user_attrs["worker"].split(":")
                with suppress(psutil.NoSuchProcess):
                    name = "single process" if machine in _COMMANDS else "one of two workers"
                    victims.append((name, psutil.Process(int(process))))
        return victims


def soak(folder: Path, given: argparse.Namespace) -> Tally:
    """Run rounds in `folder` until `kills` processes have been killed, or the time is up."""
    tally, rng = Tally(), random.Random(given.seed)
    until = time.monotonic() + 60 * given.minutes

    def go_on() -> bool:
        return tally.kills.total() < given.kills and time.monotonic() < until

    commands = {machine: flags for machine, flags in _COMMANDS.items() if machine or not given.single}
    config = None
    while go_on():
        tally.rounds += 1
        place = folder / f"round-{tally.rounds:03d}"
        place.mkdir(parents=True)
        (place / "soak.toml").write_text(study_file(given.epochs, given.workload))
        if config is None:
            config = StudyConfig.load(place / "soak.toml")
            reference = Reference(config)
        database: AbstractContextManager[PostgresServer | None] = (
            postgres_server() if given.postgresql else nullcontext()
        )
        with database as server:
            current = Round(place, given.trials, rng, tally, commands, server)
            try:
                current.disturb(go_on, given.mean_seconds)
                exit_code = current.calm()
            finally:
                for command in current.commands.values():
                    command.kill()
            check(
                tally,
                current.stored(),
                reference,
                trials=given.trials,
                storage=current.storage,
                exit_code=exit_code,
            )
        print(f"round {tally.rounds}: {tally.disturbances()}; {tally.failures or 'every invariant holds'}", flush=True)
    return tally


def as_machine(name: str, arguments: list[str], log: Path) -> None:
    """Run an lrsearch command as if on another machine, whose silent trials are dead after three seconds."""
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if name:
        platform.node = lambda: name
        run.SearchLoop = partial(run.SearchLoop, watch=Watch(grace_seconds=3.0, beat_seconds=0.5))  # type: ignore
    sys.exit(main(arguments))


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=60.0, help="no new kills after so long")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=24, help="of a round")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--mean-seconds", type=float, default=3.0, help="between two kills or pauses")
    parser.add_argument("--single", action="store_true", help="leave out the command with two worker processes")
    parser.add_argument("--postgresql", action="store_true", help="on a server of its own, which crashes too")
    parser.add_argument("--workload", help="package.module:function; digits if none")
    parser.add_argument("--folder", type=Path, help="where the databases are kept; a temporary folder if none")
    return parser.parse_args(arguments)


def run_soak(arguments: list[str]) -> int:
    """Soak, print the figures, and return the exit code."""
    given = parse(arguments)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    os.environ[PAUSE_VARIABLE] = "0"
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as temporary:
        folder = given.folder or Path(temporary)
        if given.postgresql:
            os.environ[FOLDER_VARIABLE] = str(folder / "checkpoints")
        tally = soak(folder, given)
    minutes = (time.monotonic() - begun) / 60
    print(f"{tally.disturbances()} in {minutes:.0f} minutes")
    print(f"{tally.trials} finished trials in {tally.rounds} rounds, {tally.taken_up} of them resumed,")
    print(f"{tally.resumed} of these from a checkpoint, which saved {tally.resumed_epochs} epochs")
    print("\n".join(tally.failures) or "every invariant holds")
    return 1 if tally.failures else 0


if __name__ == "__main__":
    sys.exit(run_soak(sys.argv[1:]))
