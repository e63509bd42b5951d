"""The frameworks' own client modules: fetched at a pinned hash, loaded without their heavy imports.

Nothing is installed and no dependency is fetched; what is loaded stays below `.venv/peers`.
"""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Final, Literal, NamedTuple

__all__ = [
    "Anything",
    "PeerMissing",
    "bare",
    "hurried",
    "loaded",
    "peer",
    "stand_in",
    "standing_in",
]

_PINS: Final = Path(__file__).with_name("peers.txt")
_CACHE: Final = Path(__file__).resolve().parents[2] / ".venv" / "peers"
# One wheel for each pin, whatever runs the tests: only its Python source is read.
_WHEEL_OF: Final = (
    *("--only-binary=:all:", "--ignore-requires-python"),
    *("--python-version=3.11", "--implementation=cp", "--platform=manylinux2014_x86_64"),
)
_LIMIT_S: Final = 300
_TRIES: Final = 3


class PeerMissing(Exception):
    """A framework's package is not pinned, or could not be fetched as pinned."""


class _Pin(NamedTuple):
    """One line of peers.txt: `name==version --hash=sha256:...`."""

    line: str
    folder: str


def peer(name: str) -> Path:
    """The unpacked wheel of a framework, fetched once: the folder that its top package lies in."""
    pin = _pins().get(name)
    if pin is None:
        raise PeerMissing(f"{name} is not in {_PINS}: add `{name}==VERSION --hash=sha256:...`")
    folder = _CACHE / pin.folder
    if not folder.is_dir():
        _CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_CACHE, prefix=".new-") as scratch:
            _unpack(_fetched(pin, Path(scratch)), folder)
    # Where a wheel for one platform has its pure part.
    return next(folder.glob("*.data/purelib"), folder)


@cache
def _pins() -> dict[str, _Pin]:
    pins = {}
    for line in _PINS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            requirement, _, sha256 = line.partition(" --hash=sha256:")
            name, _, version = requirement.partition("==")
            pins[name] = _Pin(line, f"{name}-{version}-{sha256[:8]}")
    return pins


def _fetched(pin: _Pin, scratch: Path) -> Path:
    """Its wheel, whose hash pip has checked."""
    asked = scratch / "asked.txt"
    asked.write_text(pin.line, encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download"]
    what = ["--no-deps", *_WHEEL_OF, "--require-hashes", f"--requirement={asked}"]
    said = ""
    for _ in range(_TRIES):
        done = subprocess.run(
            [*pip, *what, f"--dest={scratch}"],
            check=False,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
        )
        wheels = [*scratch.glob("*.whl")]
        if not done.returncode and len(wheels) == 1:
            return wheels[0]
        said = done.stderr.strip()
    raise PeerMissing(f"pip did not fetch `{pin.line}`: {said}")


def _unpack(archive: Path, folder: Path) -> None:
    """Whole or not at all; another process may be first, and its folder is the same as ours."""
    unpacked = archive.with_suffix("")
    with zipfile.ZipFile(archive) as wheel:
        wheel.extractall(unpacked)
    try:
        unpacked.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


class _AnyName(type):
    def __getattr__(cls, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return _anything(name)


class Anything(metaclass=_AnyName):
    """What a stand-in module has under any name: a base, an annotation, a decorator, a call."""

    def __new__(cls, *args: object, **kwargs: object) -> Anything:
        """As a bare decorator it leaves what it decorates as it was."""
        if cls.__base__ is Anything and len(args) == 1 and not kwargs and callable(args[0]):
            return args[0]  # type: ignore[return-value]  # a decorator's
        return super().__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __class_getitem__(cls, item: object) -> type:
        return cls

    def __call__(self, *args: object, **kwargs: object) -> object:
        return args[0] if len(args) == 1 and not kwargs and callable(args[0]) else self

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return _anything(name)


def _anything(name: str) -> type:
    return _AnyName(name, (Anything,), {})


def stand_in(name: str, **members: object) -> ModuleType:
    """A module in the place of a heavy one: these members, and `Anything` under every other name.

    Every module below it is there too.
    """
    module = ModuleType(name)
    module.__path__ = []
    vars(module).update(members)

    def other(wanted: str) -> type:
        if wanted.startswith("__"):
            raise AttributeError(wanted)
        return _anything(wanted)

    vars(module).setdefault("__getattr__", other)
    return module


def bare(name: str, folder: Path, **members: object) -> ModuleType:
    """A package of that folder whose `__init__.py` is not run; what lies below imports as usual."""
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    vars(package).update(members)
    return package


class _Below(MetaPathFinder, Loader):
    """Finds a stand-in for whatever is imported from below a stand-in."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        parent = sys.modules.get(fullname.rpartition(".")[0])
        is_below = parent is not None and parent.__spec__ is None and path == []
        nested = parent is not None and getattr(parent.__spec__, "loader", None) is self
        return ModuleSpec(fullname, self, is_package=True) if is_below or nested else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return stand_in(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


@contextmanager
def standing_in(stubs: Iterable[ModuleType]) -> Iterator[None]:
    """Have these modules, and what they bring below them, in `sys.modules` for a while.

    It is what a function of a loaded module needs that imports when it is called.
    """
    given = {stub.__name__: stub for stub in stubs}
    kept = {name: module for name, module in sys.modules.copy().items() if _is_of(name, given)}
    for name in kept:
        del sys.modules[name]
    for name, stub in given.items():
        sys.modules[name] = stub
        above, _, last = name.rpartition(".")
        if above in given:
            setattr(given[above], last, stub)
    finder = _Below()
    sys.meta_path.append(finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules.copy() if _is_of(name, given)]:
            del sys.modules[name]
        sys.modules.update(kept)


def _is_of(name: str, roots: Iterable[str]) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


def loaded(file: Path, name: str, stubs: Iterable[ModuleType] = ()) -> ModuleType:
    """A framework's module or package from its file, with stand-ins while it is being loaded.

    Under its own dotted name it can import its neighbours, if a `bare` package above it is given.
    """
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PeerMissing(f"{file} is no Python module")
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings(), standing_in([*stubs, module]):
        warnings.simplefilter("ignore")
        spec.loader.exec_module(module)
    return module


@contextmanager
def hurried(module: ModuleType, clock: Literal["asyncio", "time"]) -> Iterator[list[float]]:
    """Its own sleeps take no time; yields how long each would have been, as they come.

    Only its `asyncio.sleep` or `time.sleep` is another, by the module's own name for it.
    """
    slept: list[float] = []

    async def soon(delay_s: float) -> None:
        slept.append(delay_s)
        await asyncio.sleep(0)

    own = ModuleType(clock)
    if clock == "asyncio":
        vars(own).update(vars(asyncio), sleep=soon)
    else:
        vars(own).update(vars(time), sleep=slept.append)
    kept = getattr(module, clock)
    setattr(module, clock, own)
    try:
        yield slept
    finally:
        setattr(module, clock, kept)
