"""Chat messages as a text model wrote them, whatever the template has parsed out of them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Final

__all__ = ["conversation", "holds_reasoning"]

# As chat templates of Qwen, DeepSeek, SmolLM and LFM name what they take out of the content.
_REASONING: Final = ("reasoning_content", "thinking")


def conversation(text: object) -> object:
    """A prompt or completion with plain messages; anything but a list of messages as it is."""
    if not isinstance(text, list | tuple):
        return text
    return [_plain(message) for message in text]


def holds_reasoning(text: object) -> bool:
    """Whether a template has parsed the reasoning out of the last message."""
    last = text[-1] if isinstance(text, list | tuple) and text else None
    return isinstance(last, Mapping) and bool(_reasoning(last))


def _plain(message: object) -> object:
    if not isinstance(message, Mapping):
        return message
    content = _text(message.get("content"))
    if reasoning := _reasoning(message):
        content = f"<think>\n{reasoning}\n</think>\n\n{content}"
    for call in _list(message.get("tool_calls")):
        content += f"\n<tool_call>\n{_call(call)}\n</tool_call>"
    return {"role": message.get("role"), "content": content}


def _reasoning(message: Mapping[str, object]) -> str:
    found = (message.get(key) for key in _REASONING)
    return next((text for text in found if isinstance(text, str) and text), "")


def _text(content: object) -> str:
    """The content's text; of content in blocks, that of the text blocks."""
    if isinstance(content, str):
        return content
    blocks = (block.get("text") for block in _list(content) if isinstance(block, Mapping))
    return "".join(text for text in blocks if isinstance(text, str))


def _call(call: object) -> str:
    function = call.get("function", call) if isinstance(call, Mapping) else call
    if not isinstance(function, Mapping):
        return json.dumps(function, default=str)
    arguments = function.get("arguments", {})
    if isinstance(arguments, str):
        with contextlib.suppress(ValueError):  # a text that is no JSON is the argument itself
            arguments = json.loads(arguments)
    return json.dumps({"name": function.get("name"), "arguments": arguments}, default=str)


def _list(value: object) -> Sequence[object]:
    return value if isinstance(value, list | tuple) else ()
