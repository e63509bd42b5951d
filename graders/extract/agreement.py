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
    r"|re-?check\w*|re-?(?:do|doing|calculat\w+|comput\w+|consider\w*|evaluat\w+)|instead(?!\sof\b)"
    r"|hold\son|apologi[sz]e|apologies|second\sthought|revised?|mis(?:read|counted|calculated)"
    r"|(?:let\sme|i\swill|i'll)\s(?:correct|fix)|not\s(?:quite\s)?(?:right|correct)"
    r"|no(?=[,.!:;]|\swait)|(?:an?|my|this|that|the|arithmetic|calculation|sign)\s(?:error|slip)"
    r"|attend(?:s|ez)|en\sfait|une\serreur|corrig\w+|faux|tromp[ée]\w*|désolée?|pardon"
    r"|moment(?=[,.!:])|falsch|korrektur|korrigier\w*|fehler|tatsächlich|stimmt\snicht"
    r"|espera|equivoqu\w+|un\serror|en\srealidad|correcci[óo]n|corrijo|incorrecto|perd[óo]n)\b"
    r"|不对|等等|更正|错误|错了|算错|纠正|修正|重新|其实|实际上|抱歉|有误",
    re.IGNORECASE,
)
_CONDITION: Final = re.compile(
    r"(?:^|[.,;:!?(\n]|\b(?:or|but|and)\b)\s{0,3}(?:if|unless|in\scase|wenn|falls|si"
    r"|assuming|supposing|suppose|provided|should|were|in\sthe\sevent|whenever|angenommen"
    r"|suponiendo|supposons)\b"
    r"[^.!?\n]{0,40}?\b(?:wrong|incorrect|not|mistaken?|falsch|nicht|faux|pas|incorrecto)\b"
    r"|(?:如果|要是|若|假如|假设)[^。\n]{0,20}(?:错|不对)",
    re.IGNORECASE,
)
_FAULT: Final = (
    r"(?:wrong|incorrect|mistaken?|mistakes|errors?|slips?|false|faux|falsch|fehler|incorrecto)"
)
_NO_CORRECTION: Final = re.compile(
    rf"(?:\b(?:not|never|nothing|nowhere|no|without|neither|hardly|avoid\w*|kein\w*|nicht)|n't|n\u2019t)"
    rf"\s(?:[\w']{{1,12}}\s){{0,3}}{_FAULT}\b"
    rf"|\b{_FAULT}\s(?:to|of|that\s(?:many|some|people|students))\b"
    r"|\b(?:wrong|incorrect|false|mistaken)\s(?:answer|value|result|option|choice|solution)s?\s"
    r"(?:(?:here|then)\s)?(?:is|are|would|could|might|may)\b"
    r"|\b(?:error|mistake|slip)s?\s(?:(?:is|are|was|were|has\sbeen|have\sbeen|would\sbe)\s)?"
    r"(?:avoided|excluded|impossible|absent|prevented|ruled\sout|bounds?|terms?|cancels?|margin)"
    r"\b|没有?(?:错误?|有误)|无误|不是错",
    re.IGNORECASE,
)
"""Words of correction that find nothing wrong with what stands before them."""

_SENTENCE: Final = re.compile(r"[^.!?\n]+[.!?\n]*")
_ASKED: Final = re.compile(rf"\b{_FAULT}\b[^?]{{0,40}}\?", re.IGNORECASE)
_YES: Final = re.compile(r"\s{0,3}(?:yes|yeah|yep|indeed|oui|ja|sí)\b", re.IGNORECASE)
_NO: Final = re.compile(r"\s{0,3}(?:no|nope|nein|non|not\sat\sall)\b", re.IGNORECASE)
_HEDGE: Final = re.compile(
    r"\b(?:or|either|alternatively|perhaps|maybe|guess|oder|vielleicht|ou|peut-être|quizás?"
    r"|(?:second|other|another|further|next|alternative)\s(?:option|choice|candidate|possibility"
    r"|guess|answer|attempt))\b|或者|或是|也许",
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
    if _HEDGE.search(near) or _CONDITION.search(gap):
        return False
    gap = _NO_CORRECTION.sub(" ", gap)
    return _CORRECTION.search(_without_asked(gap) if "?" in gap else gap) is not None


def _without_asked(gap: str) -> str:
    """The text without each question whether something is wrong, and the "no" behind it."""
    kept: list[str] = []
    asked = False
    for sentence in _SENTENCE.findall(gap):
        if asked and (denied := _NO.match(sentence)):
            sentence = sentence[denied.end() :].lstrip(",.!: ")
        elif asked and _YES.match(sentence):
            sentence = "That is wrong."
        asked = _ASKED.search(sentence) is not None
        kept.append("" if asked else sentence)
    return "".join(kept)
