"""Building once: what is kept, what is forgotten, and what is said where nothing can be built."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Final

import pytest

from graders.programs import builds, compiling, keeping, offers
from graders.programs.builds import NotCompiled, Program, build
from graders.programs.execution import Execution, executed_fairly
from graders.programs.keeping import Found, Kept
from graders.programs.languages import LANGUAGES, Language
from graders.programs.offers import offered
from graders.programs.results import SandboxUnavailable, ToolchainAbsent
from sandbox import Ending, EndingKind, Isolation, Job, Limits

NOTHING: Final = Isolation(backend="none", layers=())
GOOD: Final = "int main(void) { return 0; }"
BAD: Final = "int main(void) { return none; }"


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """A C compiler, nothing kept from before, and nothing of ours kept afterwards."""
    if not offered("c").serves:
        pytest.skip(f"there is no C compiler: {offered('c').note}")
    for kept in (builds._builds, offers._offers):
        kept.cache_clear()
    yield
    for kept in (builds._builds, offers._offers):
        kept.cache_clear()


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Every job that a compiler is given from now on; those of the self-test of C are over."""
    assert offered("c").serves
    jobs: list[Job] = []

    def counted(job: Job) -> Execution:
        jobs.append(job)
        return executed_fairly(job)

    monkeypatch.setattr(compiling, "executed_fairly", counted)
    return jobs


def _ends_as(kind: EndingKind) -> Callable[[Job], Execution]:
    return lambda _job: Execution(ending=Ending(kind=kind, isolation=NOTHING), outcome=None)


def test_eight_threads_build_a_program_once(compilations: list[Job]) -> None:
    with ThreadPoolExecutor(8) as pool:
        programs = list(pool.map(lambda _: build("c", GOOD), range(8)))
    assert len(compilations) == 1
    assert all(program is programs[0] for program in programs)


def test_eight_threads_are_told_of_one_failure(compilations: list[Job]) -> None:
    def said(_: int) -> str:
        with pytest.raises(NotCompiled) as caught:
            build("c", BAD)
        return str(caught.value)

    with ThreadPoolExecutor(8) as pool:
        texts = set(pool.map(said, range(8)))
    assert len(texts) == 1
    assert "none" in texts.pop()
    assert len(compilations) == 1


def test_another_source_file_or_language_is_another_program(compilations: list[Job]) -> None:
    if not offered("cpp").serves:
        pytest.skip(f"there is no C++ compiler: {offered('cpp').note}")
    before = len(compilations)
    source = '#include "x.h"\nint main(void) { return X; }'
    one = build("c", source, files={"x.h": b"#define X 1"})
    two = build("c", source, files={"x.h": b"#define X 2"})
    again = build("c", source, files={"x.h": b"#define X 1"})
    build("cpp", GOOD)
    build("c", GOOD)
    assert len(compilations) == before + 4
    assert again is one
    statuses = [
        executed_fairly(p.job(stdin=b"", limits=Limits())).ending.status for p in (one, two)
    ]
    assert statuses == [1, 2]


def test_the_least_recently_used_program_is_forgotten(
    compilations: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Kept[Program | str](most=2, most_bytes=2**20)
    monkeypatch.setattr(builds, "_builds", lambda: room)
    sources = [f"int main(void) {{ return {n}; }}" for n in range(3)]
    for source in (*sources[:2], sources[0], sources[2], sources[0]):
        build("c", source)
    assert len(compilations) == 3
    build("c", sources[1])
    assert len(compilations) == 4


def test_a_compiler_that_ran_out_of_wall_time_is_asked_again(
    compilations: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(compiling, "executed_fairly", _ends_as("wall_time"))
        with pytest.raises(NotCompiled, match="wall_time"):
            build("c", GOOD)
    assert build("c", GOOD).files
    assert len(compilations) == 1


def test_an_absent_sandbox_is_no_verdict_and_not_remembered(
    compilations: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(_job: Job) -> Execution:
        raise SandboxUnavailable("no box")

    with monkeypatch.context() as patch:
        patch.setattr(compiling, "executed_fairly", unavailable)
        with pytest.raises(SandboxUnavailable, match="no box"):
            build("c", GOOD)
    assert build("c", GOOD).files
    assert len(compilations) == 1


def test_a_self_test_without_a_sandbox_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable() -> Isolation:
        raise OSError("no namespaces")

    with monkeypatch.context() as patch:
        patch.setattr(offers, "isolation", unavailable)
        with pytest.raises(SandboxUnavailable, match="no namespaces"):
            offered("bash")
    assert offered("bash").serves


def test_a_search_that_was_cut_short_finds_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(offers, "executed_fairly", _ends_as("wall_time"))
        with pytest.raises(SandboxUnavailable, match="the search for bash ended by wall_time"):
            offered("bash")
    assert offered("bash").serves


def test_a_self_test_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered("bash").serves
    monkeypatch.setattr(offers, "executed_fairly", _ends_as("not_started"))
    assert offered("bash").serves


C: Final = LANGUAGES["c"]
ABSENT: Final = [
    (replace(C, programs=("gcc", "no-such-cc")), "no no-such-cc"),
    (replace(C, compile=("no-such-cc",)), "No such file"),
    (replace(C, compile=("sh", "-c", "echo broken >&2; exit 1")), "does not compile: broken"),
    (replace(C, run=("true",)), "its self-test fails: status 0"),
    (replace(C, run=("sh", "-c", "kill -9 $$")), "its self-test fails: signalled"),
]


@pytest.mark.parametrize(("language", "note"), ABSENT, ids=range(len(ABSENT)))
def test_a_toolchain_that_does_not_work_is_absent_and_the_remedy_is_named(
    language: Language, note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LANGUAGES, "c", language)
    offer = offered("c")
    assert not offer.serves
    assert note in offer.note
    assert "apt-get install gcc libc6-dev" in offer.remedy
    assert "TOUCHSTONE_SANDBOX_READABLE" in offer.remedy
    with pytest.raises(ToolchainAbsent, match=r"c is not served here: .*apt-get install gcc"):
        build("c", GOOD)


def test_a_toolchain_that_an_image_lacks_is_put_into_it(monkeypatch: pytest.MonkeyPatch) -> None:
    image = Isolation(backend="docker runc fresh", layers=())
    monkeypatch.setattr(offers, "isolation", lambda: image)
    monkeypatch.setitem(LANGUAGES, "c", replace(C, programs=("no-such-cc",)))
    assert offered("c").remedy == 'make image PACKAGES="gcc libc6-dev"'


def test_a_toolchain_that_goes_away_is_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered("c").serves
    monkeypatch.setitem(LANGUAGES, "c", replace(C, compile=("no-such-cc",)))
    with pytest.raises(ToolchainAbsent):
        build("c", GOOD)


def test_what_needs_too_much_room_is_not_kept() -> None:
    kept = Kept[str](most=10, most_bytes=100)
    kept.get("small", lambda: Found("small", bytes=40))
    kept.get("huge", lambda: Found("huge", bytes=101))
    assert kept.get("huge", lambda: Found("again")) == "again"


def test_room_is_made_by_bytes_oldest_first() -> None:
    kept = Kept[str](most=10, most_bytes=100)
    for key in ("a", "b"):
        kept.get(key, lambda: Found("first", bytes=40))
    kept.get("a", lambda: Found("second", bytes=40))
    kept.get("c", lambda: Found("first", bytes=40))
    assert kept.get("a", lambda: Found("second")) == "first"
    assert kept.get("b", lambda: Found("second")) == "second"


def test_an_error_reaches_all_who_wait_and_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, waiting = threading.Event(), threading.Event()

    class Watched(Future[str]):
        def result(self, timeout: float | None = None) -> str:
            waiting.set()
            return super().result(timeout)

    def fails() -> Found[str]:
        begun.set()
        waiting.wait()
        raise SandboxUnavailable("no box")

    monkeypatch.setattr(keeping, "Future", Watched)
    kept = Kept[str](most=10, most_bytes=100)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(kept.get, "key", fails)
        begun.wait()
        with pytest.raises(SandboxUnavailable, match="no box"):
            kept.get("key", lambda: Found("not asked"))
        with pytest.raises(SandboxUnavailable, match="no box"):
            first.result()
    assert kept.get("key", lambda: Found("found")) == "found"
