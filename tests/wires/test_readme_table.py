"""The README's section on other frameworks is true: addresses, modules, versions and seconds."""

from __future__ import annotations

import ast
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from service.wires.presets import read_presets
from service.wires.recipes import Recipes
from service.wires.routes import ROUTES
from tests.live import LiveService

ROOT: Final = Path(__file__).parents[2]
WIRES: Final = Path(__file__).parent
# What a client puts behind the address that it is given.
ADDED: Final = (
    (r"/compat/nemo_gym/[^/]+", "/verify"),
    (r"/compat/openenv/.+", "/ws"),
    ("", "/run_code"),
)
# Those of the table that the tests replay.
RECORDED: Final = {"slime", "ROLL", "open-instruct"}


class Row(NamedTuple):
    """One line of a table."""

    framework: str
    line: str
    proof: str


def _section() -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = text.partition("\n## Plug into your framework\n")[2].partition("\n## ")[0]
    assert found
    return found


def _table(head: str) -> list[list[str]]:
    lines = _section().partition(f"| {head} |")[2].partition("\n\n")[0].splitlines()[2:]
    assert lines
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


ROWS: Final = [Row(*cells) for cells in _table("framework | what to write | proven by")]


def _pins(file: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z][\w-]*)==(\S+)", file.read_text(encoding="utf-8"), re.M))


@cache
def _addresses() -> set[str]:
    """Those of the section, each with what the client adds to it."""
    found = set()
    for line in [row.line for row in ROWS]:
        for path in re.findall(r"http://HOST([^\s\"`|,]*)", line):
            more = next((more for base, more in ADDED if re.fullmatch(base, path)), "")
            found.add(path + more)
    named = re.findall(r"`(/[a-z_]+(?:/[\w?=/]*)?)`", _section())
    return found | {path for path in named if path.count("/") != 2}


@pytest.mark.parametrize("path", sorted(_addresses()))
def test_every_address_is_one_of_the_service(path: str, live: LiveService) -> None:
    if "/p/" in path:
        # The service of this test has no presets; the address is of a shape that it knows.
        assert "no preset is called" in live.client.post(path, json=[]).json()["detail"]
        return
    # Refused once the address, its grader and its query are read: no wire takes such a body.
    assert live.client.post(path, json=[]).status_code == (426 if path.endswith("/ws") else 422)


def test_an_address_that_is_none_would_be_found_out(live: LiveService) -> None:
    for path in ("/compat/openrlhf/maths/get_reward", "/compat/openrlhf/math/get", "/compat/slime"):
        assert live.client.post(path, json=[]).status_code == 404


@pytest.mark.parametrize("row", ROWS, ids=[row.framework for row in ROWS])
def test_every_module_and_name_of_ours_is_there(row: Row) -> None:
    for file in re.findall(r"trainer_client/[\w/]+\.py", row.line):
        assert (ROOT / file).is_file()
    for module, name in re.findall(r"(trainer_client\.\w+)(?:[.:](\w+))?", row.line):
        spec = find_spec(module)
        assert spec is not None
        assert spec.origin is not None
        # Its framework is not installed, so it cannot be imported.
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
        assert {name or _named(row)} <= _defined(tree)


def _named(row: Row) -> str:
    """The name that the framework is told apart from the module."""
    (name,) = re.findall(r"\.name=(\w+)", row.line)
    return str(name)


def _defined(tree: ast.Module) -> set[str]:
    defs = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in tree.body if isinstance(node, defs)}


@pytest.mark.parametrize("row", ROWS, ids=[row.framework for row in ROWS])
def test_every_proof_is_a_test_that_runs_the_pinned_client(row: Row) -> None:
    found = re.fullmatch(r"\[([^]]+)\]\(([^)]+)\)", row.proof)
    assert found is not None
    test = ROOT / found[2]
    text = test.read_text(encoding="utf-8")
    if found[1] in ("recorded requests", "recorded calls"):
        assert row.framework.partition(",")[0] in RECORDED
        assert re.search(r"def test_\w*recorded", text)
        return
    name, _, version = found[1].partition(" ")
    if name == "trl":
        assert _pins(ROOT / "constraints.txt")["trl"] == version
        assert "GRPOTrainer" in text
        return
    assert _pins(WIRES / "peers.txt")[name] == version
    assert name in _peers_of(text)


def _peers_of(text: str) -> set[str]:
    """The packages whose own code a test runs: those of the clients that it imports."""
    imported = re.findall(r"^from tests\.wires\.clients import (.+)$", text, re.M)
    clients = {name for names in imported for name in names.split(", ")}
    clients |= set(re.findall(r"^from tests\.wires\.clients\.(\w+) import", text, re.M))
    clients.discard("imports")
    assert clients
    sources = [(WIRES / "clients" / f"{name}.py").read_text(encoding="utf-8") for name in clients]
    return {peer for source in sources for peer in re.findall(r"\bpeer\(\"([\w-]+)\"\)", source)}


def test_every_pinned_framework_and_every_wire_is_in_the_table() -> None:
    proofs = " ".join(row.proof for row in ROWS)
    assert {name for name in _pins(WIRES / "peers.txt") if f"[{name} " not in proofs} == set()
    addresses = " ".join(_addresses())
    wires = {route.wire for route in ROUTES} | {"roll"}
    ends = {"sandbox_fusion": "/run_code", "open_instruct": "/test_program"}
    assert {w for w in wires if ends.get(w, f"/compat/{w}/") not in addresses} == set()


def test_the_preset_is_one(tmp_path: Path) -> None:
    (block,) = re.findall(r"```json\n(.*?)```", _section(), re.S)
    file = tmp_path / "presets.json"
    file.write_text(block)
    recipes = Recipes(read_presets(file), text_chars=1_000)
    recipe = recipes.read("p/r1", "key=score&deadline_s=5", parameters=["key"], tries=10)
    assert [call.name for call in recipe.graders] == ["math", "format"]
    assert (recipe.label, recipe.prefill, recipe.fallback) == ("answer", "<think>\n", -1.0)
    assert (recipe.deadline_s, recipe.said) == (5.0, {"key": "score"})


def test_the_wires_take_what_the_query_is_said_to_say() -> None:
    rows = _table("in the query | is")
    named = {name for row in rows for name in re.findall(r"^`(\w+)`$", row[0])}
    own = {name for route in ROUTES for name in route.parameters}
    assert named == {"label", "prefill", "deadline_s", "fallback"} | own
    several = {route.wire for route in ROUTES if route.tries > 1} | {"roll"}
    (fallback,) = [row[1] for row in rows if row[0] == "`fallback`"]
    assert several == {w.lower() for w in re.findall(r"OpenRLHF|slime|ROLL", fallback)}


def test_the_wires_hold_a_request_for_as_long_as_is_said() -> None:
    said = {
        row[0].lower().replace(" ", "_").replace("-", "_"): re.match(r"(\d+) s", row[1])
        for row in _table("wire | held for | not scored | so")
    }
    patience = {route.wire: route.patience_s for route in ROUTES}
    for wire in ("openrlhf", "slime", "nemo_gym", "openenv", "open_instruct", "eval_protocol"):
        found = said[wire]
        assert found is not None
        assert float(found[1]) == patience[wire]
