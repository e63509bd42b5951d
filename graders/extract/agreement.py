"""Whether the mentions of a text say the same: neighbours, corrections, hedges."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Hashable
from typing import Final, NamedTuple

from graders.extract.phrases import Mention

__all__ = ["Run", "agreed", "runs"]

_MAX_DISTINCT: Final = 64
_MAX_JOIN_CHARS: Final = 80
_JOIN: Final = re.compile(
    r"(?:[\s,;$&、~]|\\[,;:!\s()\[\]\\]|\\q?quad|and|or|\\text\s?\{\s*(?:and|or)\s*\}"
    r"|(?<![a-zA-Z])[a-zA-Z](?:_[0-9a-z]|_\{[0-9a-z]\})?\s?=)*"
)
_CORRECTION: Final = re.compile(
    r"\b(?:wait|actually|correct(?:ion|ing|ed)|wrong|incorrect|mistaken?|sorry|oops|scratch\sthat"
    r"|re-?check\w*|re-?(?:do|doing|calculat\w+|comput\w+|consider\w*|evaluat\w+)|instead"
    r"|hold\son|hmm+|apologi[sz]e|apologies|second\sthought|revised?|mis(?:read|counted|calculated)"
    r"|(?:let\sme|i\swill|i'll)\s(?:correct|fix)|not\s(?:quite\s)?(?:right|correct)"
    r"|no(?=[,.!:;]|\swait)|(?:an?|my|this|that|the|arithmetic|calculation|sign)\s(?:error|slip)"
    r"|attend(?:s|ez)|en\sfait|une\serreur|corrig\w+|faux|tromp[ée]\w*|désolée?|pardon"
    r"|moment(?=[,.!:])|falsch|korrektur|korrigier\w*|fehler|tatsächlich|stimmt\snicht"
    r"|espera|equivoqu\w+|un\serror|en\srealidad|correcci[óo]n|corrijo|incorrecto|perd[óo]n)\b"
    r"|不对|等等|更正|错误|错了|算错|纠正|修正|重新|其实|实际上|抱歉|有误",
    re.IGNORECASE,
)
_CONDITION: Final = re.compile(
    r"(?:^|[.,;:!?(\n]|\b(?:or|but|and)\b)\s{0,3}(?:if|unless|in\scase|wenn|falls|si)\b"
    r"[^.!?\n]{0,40}?\b(?:wrong|incorrect|not|mistaken?|falsch|nicht|faux|pas|incorrecto)\b"
    r"|(?:如果|要是|若)[^。\n]{0,20}(?:错|不对)",
    re.IGNORECASE,
)
_HEDGE: Final = re.compile(
    r"\b(?:or|either|alternatively|perhaps|maybe|guess|oder|vielleicht|ou|peut-être|quizás?)\b"
    r"|或者|或是|也许",
    re.IGNORECASE,
)
_READ_CHARS: Final = 20_000
_NEAR_START: Final = 25
_NEAR_END: Final = 60
"""A hedge counts beside the two mentions it stands between, not in the reasoning of a page."""


class Run(NamedTuple):
    """One mention, or neighbouring boxes read as one list."""

    text: str
    start: int
    end: int
    joined: bool


def agreed(
    part: str, mentions: list[Mention], *, key: Callable[[str], Hashable], joining: bool
) -> Run | None:
    """What the mentions say together; None when they say several things."""
    last = mentions[-1]
    if len(mentions) == 1:
        return Run(*last, joined=False)
    texts = {mention.text for mention in mentions}
    if len(texts) > _MAX_DISTINCT:
        return None
    keys = {text: key(text) for text in texts}
    if len(set(keys.values())) == 1:
        return Run(*last, joined=False)
    found = runs(part, mentions, keys, joining=joining)
    for before, after in itertools.pairwise(found):
        differ = key(before.text) != key(after.text)
        if differ and not _is_correction(part[before.end : after.start]):
            return None
    return found[-1]


def runs(
    part: str, mentions: list[Mention], keys: dict[str, Hashable], *, joining: bool
) -> list[Run]:
    """The mentions, neighbours put together where `joining` is asked for."""
    groups: list[list[Mention]] = [[mentions[0]]]
    for mention in mentions[1:]:
        start, end = groups[-1][-1].end, mention.start
        near = joining and end - start <= _MAX_JOIN_CHARS
        if near and _JOIN.fullmatch(part, start, end) is not None:
            groups[-1].append(mention)
        else:
            groups.append([mention])
    merged = []
    for group in groups:
        distinct = list({keys[mention.text]: mention.text for mention in group}.values())
        merged.append(Run(", ".join(distinct), group[0].start, group[-1].end, len(distinct) > 1))
    return merged


def _is_correction(gap: str) -> bool:
    near = gap
    if len(gap) > _NEAR_START + _NEAR_END:
        near = f"{gap[:_NEAR_START]} ; {gap[-_NEAR_END:]}"
    if len(gap) > 2 * _READ_CHARS:
        gap = f"{gap[:_READ_CHARS]}\n{gap[-_READ_CHARS:]}"
    corrected = _CORRECTION.search(gap) is not None
    return corrected and not _HEDGE.search(near) and not _CONDITION.search(gap)
