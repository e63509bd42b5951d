"""What a worker says of itself for as long as it shows signs of life."""

from __future__ import annotations

from typing import Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from service import __version__

__all__ = ["SHOW", "Presence"]

# A full Redis takes a script's writes from the first one on that needs no memory: a worker that
# could not be seen would not be waited for, and nothing would make room again.
SHOW: Final = """
redis.call('DEL', KEYS[2])
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
"""


class Presence(BaseModel):
    """One worker of one lane: the chunks it grades at most and now, and since when it serves."""

    model_config = ConfigDict(frozen=True)

    slots: int = 0
    busy: int = 0
    since: float = 0.0
    version: str = __version__

    @classmethod
    def read(cls, content: bytes) -> Self:
        """The presence as Redis has it; of another version's, that there is one."""
        try:
            return cls.model_validate_json(content)
        except ValidationError:
            return cls(version="unknown")
