"""JavaScript, by Node.js: CommonJS, or a module where the program imports or exports."""

from __future__ import annotations

import re
from typing import Final

from graders.programs.languages.contract import Language, Names, Needs

__all__ = ["JAVASCRIPT", "NODE"]

# A stack as deep as the sandbox allows, and a heap that the sandbox limits before V8 does.
NODE: Final = ("node", "--stack-size=200000", "--max-old-space-size={box_mib}")
_MODULE: Final = re.compile(
    r"""^[ \t]*(?:import\s*(?:[\w$*{][^;'"()]{0,500}?\bfrom\s*)?["']"""
    r"""|export\s*(?:[{*]|(?:default|const|let|var|class|function|async)\b))""",
    re.MULTILINE,
)


def _names(source: str) -> Names:
    name = "main.mjs" if _MODULE.search(source) else "main.js"
    return Names(name, main=name)


JAVASCRIPT: Final = Language(
    name="javascript",
    tags=frozenset({"javascript", "js", "node", "nodejs", "mjs", "cjs", "ecmascript"}),
    file="main.js",
    names=_names,
    run=(*NODE, "{main}"),
    needs=Needs(cpu_s=0.15, processes=16, memory_mib=64),
    cpu_multiple=6,
    packages=("nodejs",),
    programs=("node",),
    version=("node", "-p", "`Node.js ${process.version}`"),
    self_test="""\
const words = require("fs").readFileSync("/dev/stdin", "utf8").split(/\\s+/).filter(Boolean);
const numbers = words.slice(1).map(Number);
console.log(numbers.reduce((a, b) => a + b, 0));
console.log([...new Set(numbers)].sort((a, b) => a - b).join(" "));
""",
)
