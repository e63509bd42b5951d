"""Which part of a text is the program."""

from __future__ import annotations

import time

import pytest

from graders.extract import code_blocks, last_block

PYTHON = ("python", "py", "python3")

LAST: list[tuple[str, str, str | None]] = [
    ("one block", "Here:\n```python\nx = 1\n```\nDone.", "x = 1\n"),
    ("the last of several", "```python\na\n```\nBetter:\n```python\nb\n```", "b\n"),
    ("no tag", "```\na\n```", "a\n"),
    ("its tag before no tag", "```python\na\n```\nOutput:\n```\n3\n```", "a\n"),
    ("its tag before another", "```python\na\n```\nRun it:\n```bash\npython a.py\n```", "a\n"),
    ("no tag before another", "```\na\n```\n```json\n{}\n```", "a\n"),
    ("a tag of the model's own", "```solution\na\n```", "a\n"),
    ("tag in capitals", "```Python\na\n```", "a\n"),
    ("tag with a title", "```python title=main.py\na\n```", "a\n"),
    ("tag with a file name", "```python:main.py\na\n```", "a\n"),
    ("tag in braces", "```{.python}\na\n```", "a\n"),
    ("space before the tag", "``` python\na\n```", "a\n"),
    ("never closed", "```python\na\nb", "a\nb\n"),
    ("closed, then one never closed", "```python\na\n```\n```python\nb", "b\n"),
    ("never closed, then another", "```python\na\n```python\nb\n```", "b\n"),
    ("words after a fence do not close it", "```python\na\n``` no no\nb\n```", "a\n``` no no\nb\n"),
    ("opened at the very end", "```python\na\n```\n```python", "a\n"),
    ("empty last block", "```python\na\n```\n```python\n\n```", "a\n"),
    ("tildes", "~~~python\na\n~~~", "a\n"),
    ("backticks within tildes", "~~~python\n```\n~~~", "```\n"),
    ("a longer fence", '````python\n"""\n```\n"""\n````', '"""\n```\n"""\n'),
    ("indented in a list", "1. So:\n   ```python\n   if x:\n       y\n   ```", "if x:\n    y\n"),
    ("less indented inside", "  ```python\n x\ny\n  ```", "x\ny\n"),
    ("CRLF", "```python\r\na\r\nb\r\n```\r\n", "a\nb\n"),
    ("prose inside", "```python\nHere is my code:\na\n```", "Here is my code:\na\n"),
    ("code in a line of prose", "Use ```x = 1``` here.", None),
    ("no fence", "x = 1", None),
    ("nothing", "", None),
    ("only an empty block", "```python\n```", None),
    ("form feed and line separator stay", "```python\na\x0cb\u2028c\n```", "a\x0cb\u2028c\n"),
]


@pytest.mark.parametrize(("name", "text", "program"), LAST, ids=[row[0] for row in LAST])
def test_the_program_of_a_text(name: str, text: str, program: str | None) -> None:
    assert last_block(text, PYTHON) == program


def test_blocks_are_told_with_their_language() -> None:
    blocks = code_blocks("```cpp\nint x;\n```\n~~~\ny\n~~~\n```Go\nz")
    assert blocks == [("cpp", "int x;\n"), ("", "y\n"), ("go", "z\n")]


@pytest.mark.parametrize(
    "piece", ["```\n", "```python\n", "~~~", "`", " ```\n``\n", "```a`\n", "\t\t```\n"]
)
def test_a_megabyte_takes_a_moment(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    started = time.process_time()
    last_block(text, PYTHON)
    assert time.process_time() - started < 5
