"""The processes of one machine: the private Redis, the workers, and who restarts whom."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnProcess
from typing import Final, NamedTuple

import uvloop

from graders.contract import Lane
from sandbox import close_runs
from service.embedded_redis import EmbeddedRedis, RedisStartFailed
from service.logs import set_up_logging
from service.settings import Settings
from service.streams import LANES
from service.worker import work

__all__ = ["RedisPlace", "Workers", "run_worker", "the_redis", "the_workers"]

_LOG: Final = logging.getLogger(__name__)
_LOOK_S: Final = 0.2
# By which a worker is told to give back what it holds.
_HURRY: Final = signal.SIGUSR1
_RESTART_S: Final = 0.5
# What a worker does after the time to drain: it gives back what it holds, and goes.
_LAST_STEPS_S: Final = 5.0


class RedisPlace(NamedTuple):
    """Where Redis is, and the server itself if it is ours to keep up."""

    url: str
    server: EmbeddedRedis | None


@contextmanager
def the_redis(settings: Settings) -> Iterator[RedisPlace]:
    """The Redis that the settings name, else a private one for as long as this lasts."""
    if settings.redis_url is not None:
        yield RedisPlace(settings.redis_url, None)
        return
    with EmbeddedRedis(state_dir=settings.state_dir) as server:
        yield RedisPlace(server.url, server)


@asynccontextmanager
async def the_workers(
    place: RedisPlace, *, settings: Settings, hurry: Callable[[], bool] = lambda: False
) -> AsyncIterator[Workers]:
    """Worker processes, kept at their number, with the private server kept up beside them."""
    workers = Workers(place, settings=settings)
    keeper = asyncio.create_task(workers.keep())
    try:
        yield workers
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await asyncio.to_thread(workers.stop, hurry)


class Workers:
    """As many worker processes as the settings ask for; one that dies is replaced."""

    def __init__(self, place: RedisPlace, *, settings: Settings) -> None:
        self._redis_url = place.url
        self._server = place.server
        # A worker meets no client, so it is not told the keys.
        self._settings = settings.model_copy(update={"api_keys": {}})
        self._processes = [self._started() for _ in range(settings.workers)]
        _LOG.info("%d worker processes started", settings.workers)

    async def keep(self) -> None:
        """Replace what dies, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            self._keep_server()
            dead = [place for place, p in enumerate(self._processes) if not p.is_alive()]
            if dead:
                await asyncio.sleep(_RESTART_S)
            for place in dead:
                _LOG.warning(
                    "a worker ended (%s), starting another", self._processes[place].exitcode
                )
                self._restart(place)

    def _restart(self, place: int) -> None:
        try:
            self._processes[place] = self._started()
        except OSError as error:
            _LOG.error("no worker can be started (%s), trying again", error)

    def _keep_server(self) -> None:
        if self._server is None or self._server.alive:
            return
        _LOG.error("the private Redis ended, starting it again")
        try:
            self._server.start()
        except RedisStartFailed as error:
            _LOG.error("%s", error)

    def stop(self, hurry: Callable[[], bool]) -> None:
        """Let every worker finish what it has begun, unless there is hurry; end those that stay."""
        for process in self._processes:
            process.terminate()
        limit = time.monotonic() + self._settings.drain_s + _LAST_STEPS_S
        hurried = False
        while alive := [process for process in self._processes if process.is_alive()]:
            alive[0].join(_LOOK_S)
            if hurry() and not hurried:
                hurried, limit = True, time.monotonic() + _LAST_STEPS_S
                for process in alive:
                    _signal(process, _HURRY)
            if time.monotonic() > limit:
                for process in alive:
                    process.kill()

    def _started(self) -> SpawnProcess:
        # Spawned, not forked: a fork would share this process's sockets and locks.
        process = multiprocessing.get_context("spawn").Process(
            target=_be_worker, args=(self._redis_url, self._settings), daemon=True
        )
        with _interrupts_held_back():
            process.start()
        return process


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """A process started meanwhile meets no SIGINT before it says what to do with it."""
    # Python's own, which comes with the first process, would let interrupts through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _signal(process: SpawnProcess, number: signal.Signals) -> None:
    if process.pid is not None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)


def _be_worker(redis_url: str, settings: Settings) -> None:
    # Ctrl-C reaches the whole foreground group; the parent decides when its workers stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    set_up_logging(settings.logs, settings.log_level)
    run_worker(redis_url, lanes=LANES, settings=settings)


def run_worker(redis_url: str, *, lanes: Sequence[Lane], settings: Settings) -> None:
    """Be a worker until SIGTERM or SIGINT, or until the process that started this one is gone."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run_worker(redis_url, lanes=lanes, settings=settings))


async def _run_worker(redis_url: str, *, lanes: Sequence[Lane], settings: Settings) -> None:
    stop, hurry = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    parent = multiprocessing.parent_process()

    def told() -> None:
        # Of a group of processes all hear what the parent hears, and from the parent again.
        (hurry if stop.is_set() and parent is None else stop).set()

    loop.add_signal_handler(signal.SIGTERM, told)
    loop.add_signal_handler(_HURRY, hurry.set)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        loop.add_signal_handler(signal.SIGINT, told)
    if parent is not None:
        loop.add_reader(parent.sentinel, _on_orphaned, loop, parent.sentinel, stop)
    try:
        await work(redis_url, lanes=lanes, settings=settings, stop=stop, hurry=hurry)
    finally:
        # Its threads may still try again what was ended under them.
        close_runs(for_good=True)


def _on_orphaned(loop: asyncio.AbstractEventLoop, sentinel: int, stop: asyncio.Event) -> None:
    loop.remove_reader(sentinel)
    stop.set()
