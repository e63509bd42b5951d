"""The README's table names the options that there are, and its modules are there."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from trainer_client.assay import Options

README = Path(__file__).parents[3] / "trainer_client" / "README.md"


def test_the_table_of_options_is_the_options() -> None:
    section = README.read_text().partition("## Other frameworks")[2].partition("\n## ")[0]
    table = section.partition("| option | default")[2].partition("\n\n")[0]
    first = [row.split("|")[1] for row in table.splitlines()[2:]]
    named = {name for cell in first for name in re.findall(r"`(\w+)`", cell)}
    assert named == {"graders", *Options.__annotations__}
    modules = set(re.findall(r"trainer_client\.[a-z_]+", section))
    assert len(modules) == 7
    assert all(find_spec(module) for module in modules)
