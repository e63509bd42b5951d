"""Runs jobs in Docker containers: a fresh one each, or one proven clean of the run before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from sandbox.backends.docker.container import Container, NotClean
from sandbox.backends.docker.daemon import Daemon
from sandbox.backends.docker.endings import Run, ending_of
from sandbox.backends.docker.options import DockerOptions
from sandbox.backends.docker.pool import Pool
from sandbox.backends.docker.runs import Seat, converse_in, run_in
from sandbox.backends.docker.streams import Channel, DaemonLost
from sandbox.backends.docker.trial import Trial, try_out
from sandbox.backends.docker.walls import Shape, Walls
from sandbox.contract import Conversation, Ending, Isolation, Job, LayerName
from sandbox.turns import Turns

__all__ = ["DockerBackend"]

_CLOSED: Final = "this backend is closed"
_UNTRIED: Final = Isolation(backend="docker", layers=())
_ONLY_AGENT: Final = 1


class DockerBackend:
    """A Backend on a Docker daemon; `without` leaves layers out, for negative controls only.

    Nothing is asked of the daemon before the first run; a daemon that is lost is tried again with
    each run after.
    """

    def __init__(
        self,
        options: DockerOptions,
        *,
        slots: int,
        without: frozenset[LayerName] = frozenset(),
    ) -> None:
        self._options = options
        self._slots_count = slots
        self._slots = threading.Semaphore(slots)
        self._partners = threading.Semaphore(slots)
        self._turns = Turns()
        self._daemon = Daemon(options)
        self._pool = Pool(slots)
        self._walls = Walls(runtime=options.runtime, without=without)
        self._trial: Trial | None = None
        self._trying = threading.Lock()
        self._closing = threading.Lock()
        self._is_closed = False

    def run(self, job: Job, *, alone: bool = False) -> Ending:
        with self._slots:
            isolation = self._known_isolation
            try:
                isolation = self._tried_out()
                with self._seat(job) as seat, self._turns.turn(alone=alone):
                    return ending_of(run_in(seat, job, walls=self._walls), isolation)
            except (DaemonLost, OSError) as error:
                return self._not_started(error, isolation)

    def converse(self, first: Job, second: Job, *, alone: bool = False) -> Conversation:
        # In this order, and runs take the first kind only: whoever has both waits for no slot.
        with self._slots, self._partners:
            isolation = self._known_isolation
            try:
                isolation = self._tried_out()
                turn = self._turns.turn(alone=alone)
                with self._seat(first) as one, self._seat(second) as other, turn:
                    runs = converse_in((one, other), (first, second), walls=self._walls)
            except (DaemonLost, OSError) as error:
                lost = DaemonLost(str(error))
                runs = lost, lost
            endings = (
                ending_of(run, isolation)
                if isinstance(run, Run)
                else self._not_started(run, isolation)
                for run in runs
            )
            return Conversation(*endings)

    def isolation(self) -> Isolation:
        with self._trying:
            if self._trial is None:
                try:
                    self._trial = try_out(self._daemon, self._walls)
                except DaemonLost as error:
                    raise OSError(str(error)) from error
                self._walls = self._trial.walls
            return self._trial.isolation

    @property
    def _known_isolation(self) -> Isolation:
        return self._trial.isolation if self._trial else _UNTRIED

    def _tried_out(self) -> Isolation:
        self._require_open()
        return self.isolation()

    def _not_started(self, error: Exception, isolation: Isolation) -> Ending:
        self._daemon.forget_client()
        note = _CLOSED if self._is_closed else str(error)
        return Ending(kind="not_started", isolation=isolation, note=note)

    @contextmanager
    def _seat(self, job: Job) -> Iterator[Seat]:
        container, channel = self._launched(Shape.of(job.limits))
        seat = Seat(container, channel)
        is_clean = False
        try:
            yield seat
            is_clean = seat.run is not None and self._may_serve_again(container, seat.run)
        finally:
            with suppress(DaemonLost):
                channel.close()
            if not is_clean:
                container.remove()
        if is_clean:
            self._pool.put(container)

    def _launched(self, shape: Shape) -> tuple[Container, Channel]:
        """A container with a launcher that waits; one that is idle, if it still answers."""
        while container := self._pool.take(shape):
            try:
                return container, container.launcher()
            except (DaemonLost, NotClean):
                with suppress(DaemonLost):
                    container.remove()
        self._require_open()
        container = Container(self._daemon, shape, walls=self._walls)
        try:
            return container, container.launcher()
        except (DaemonLost, NotClean) as error:
            with suppress(DaemonLost):
                container.remove()
            raise DaemonLost(str(error)) from error

    def _may_serve_again(self, container: Container, run: Run) -> bool:
        """Whether it is proven that nothing of the run is left, and nothing was odd about it."""
        is_wanted = self._options.policy == "pooled" and not self._is_closed
        if not is_wanted or container.runs >= self._options.most_runs or not run.has_ended_well:
            return False
        try:
            return container.processes() == _ONLY_AGENT
        except DaemonLost:
            return False

    def _require_open(self) -> None:
        if self._is_closed:
            raise DaemonLost(_CLOSED)

    def close(self) -> None:
        self._is_closed = True
        self._turns.close()
        with self._closing:
            self._remove_all()
            # A run that was about to make a container has made it now, or never will.
            for _ in range(self._slots_count):
                self._slots.acquire()
            self._remove_all()
            self._daemon.forget_client()
            self._slots.release(self._slots_count)

    def _remove_all(self) -> None:
        self._pool.clear()
        with suppress(DaemonLost):
            self._daemon.remove_own()
