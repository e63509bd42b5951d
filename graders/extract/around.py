"""What stands around a stated answer and takes it back: a denial, a doubt, another answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from typing import Final

from graders.extract.wordings import VALUE_START

__all__ = ["differs", "is_denied", "is_unsaid", "is_withdrawn", "offered"]

_BEFORE_CHARS: Final = 60
_MAX_VALUE_CHARS: Final = 300

_VALUE: Final = (
    r"\$\$?[^$\n]{1,80}\$|\\\([^\n]{1,80}?\\\)|\\\[[^\n]{1,80}?\\\]|\*\*[^*\n]{1,80}\*\*"
    r"|[$({\[]{0,3}(?:[a-zA-Z]\s?=\s?)?[-\u2212+]?\$?(?:\.?[0-9]|\\[a-zA-Z{]|√|π)[^\s;\uff0c。]{0,60}"
    r"|\(?(?-i:[A-HJ])\)?(?![\w'])|(?:yes|no|true|false)\b"
)
_CLOSERS: Final = r"[\s$()\]}*_~`\\.,;:!。\uff0c\uff1b、…-]{0,12}+"
_BEHIND: Final = re.compile(
    rf"{_CLOSERS}(?:"
    r"(?:but\s|and\s|&\s)?(?:it\s)?(?:or|could|might|may|maybe|perhaps|possibly|alternatively"
    r"|equivalently|else|otherwise|no|wait|actually|rather|sorry|oops|hmm|i\smean[t]?|also|oder|vielleicht|ou"
    r"|peut-être|o|u|quizás?|或者?是?|也许是?|(?:也|还)(?:可能|可以|许)是?|可能是?)(?![a-z])[,:]?"
    r"|but\s(?:i|we)\s(?:also\s)?(?:think|believe|guess|suspect)"
    r")(?:\s{0,3}(?:maybe|perhaps|possibly|equivalently|also|even|rather|else|it|that|it's|its|is"
    r"|be|could|might|would|wait|actually|no|i|think|guess|mean|meant|believe|the|answer|value|choose|说|是)"
    rf"(?![a-z]),?){{0,5}}\s{{0,3}}({_VALUE})",
    re.IGNORECASE,
)
"""Another value offered right behind an answer, beside it or in its place."""

_BUT: Final = re.compile(
    rf"{_CLOSERS}(?:but|though|although|while)\s({_VALUE})\s"
    r"(?:(?:is|are|could|might|may|would|can|seems?)\s(?:be\s)?)?"
    r"(?:also|possible|plausible|too|as\swell|likely|acceptable|could|might|may)\b",
    re.IGNORECASE,
)
_ADJOINED: Final = re.compile(
    r"[\s$)\]}*_\\]{0,8}(?:[,;/&、\uff0c\uff1b]|\band\b|\bund\b|\bet\b|\by\b)\s?"
    r"(\$[^$\n]{1,80}\$|[-\u2212+]?\$?\\?[0-9][0-9.,/]*|(?-i:[A-HJ])(?!\w)|\\[a-z]+[^\s,;]{0,60})"
    r"[\s$)\]*.!。]*(?:\n|$)",
    re.IGNORECASE,
)
"""A second value that ends the line of the first."""

_ELSE: Final = re.compile(
    rf"{_CLOSERS}(?:if|when|unless|provided|assuming|for)\s[^\n。]{{1,160}}?"
    rf"\b(?:otherwise|else)\b,?\s(?:(?:it|is|it's)\s){{0,2}}({_VALUE})",
    re.IGNORECASE,
)
_WRONG: Final = (
    r"(?:(?:actually|clearly|surely|obviously|simply|just|completely|totally)\s)?"
    r"(?:wrong|incorrect|false|mistaken|not\s(?:right|correct|true|the\sanswer)|an?\smistake"
    r"|an?\serror)\b(?!\s(?:to|if|when|unless)\b)"
)
_WITHDRAWN: Final = re.compile(
    rf"^{_CLOSERS}(?:(?:that|this|it|which|the\sanswer|my\sanswer)?(?:'s|\u2019s|\s?is|\s?was)\s{_WRONG}"
    r"|isn't\s(?:right|correct)|i\s(?:strongly\s|really\s)?doubt\s(?:it|that|this)\b)"
    r"|(?:^|[.!?\n,\u2026])[\s$)\]*\\\]]{0,4}(?:(?:wait|no|hmm|oops|sorry|actually|hold\son|but)"
    r"[,.!:\s\u2026-]{1,4}){0,3}(?:that|this|it|the\sanswer|my\sanswer|the\sabove)"
    rf"(?:'s|\u2019s|\sis|\swas)\s{_WRONG}"
    r"|(?:^|[.!?\n])[\s*$]{0,6}(?:correction|corrigendum|erratum)\b[\s*]{0,3}[:\uff1a]"
    r"|(?:^|[.!\n])[\s*$]{0,4}(?:(?:wait|no|oops|sorry)[,.!\s]{1,3}){0,2}"
    r"i\s(?:made|have\smade)\san?\s(?:\w+\s)?(?:mistake|error|slip)\b"
    r"|(?:^|[。\uff0c.\n])[\s$]{0,4}(?:等等\uff0c?)?(?:这?不对|(?:这是?)?错误?的|(?:我)?(?:算)?错了|更正)",
    re.IGNORECASE,
)
"""Words that take the answer before them back."""

_WITHDRAWAL_HINTS: Final = (
    "wrong", "ncorrect", "false", "mistake", "not ", "orrection", "error", "slip", "erratum",
    "isn't", "doubt", "orrigendum", "错", "不对", "更正",
)  # fmt: skip

_HINTS: Final = (
    "not", "n't", "n\u2019t", "never", "nicht", "pas", "no es", "instead", "rather", "anything",
    "wrong", "other", "except", "differ", "kein", " or ", " or\n", "$or", "*or", ")or", " oder",
    " ou ", "不", "并", "而", "或",
)  # fmt: skip
"""What a denial, or another value before the answer, holds at the least."""

_OPENERS: Final = r"[\s$\\(\[*_{`:]{0,8}(?:[a-zA-Z]\s?=\s?)?[\s$*]{0,3}$"
_DENIED: Final = re.compile(
    r"(?:\b(?:(?<!or )(?<!if )(?<!why )not|never|nicht|pas|no\ses|cannot\sbe|instead\sof"
    r"|rather\sthan|anything\sbut"
    r"|wrong\sto\s(?:say|write|answer)|other\sthan|except|different\sfrom|keine?|kein)"
    r"|n't|n\u2019t|不是|不为|并非|不等于|而非)"
    rf"(?:\s(?:be|simply|equal\sto|equals|the\svalue|given\sby))?{_OPENERS}",
    re.IGNORECASE,
)
_EITHER: Final = re.compile(
    rf"(?:^|[\s:,])({_VALUE})[\s$)\]*,]{{0,4}}(?:\b(?:or|oder|ou)\b|或者?是?)"
    rf"(?:\s(?:maybe|perhaps|possibly|else|even|equivalently),?){{0,2}}{_OPENERS}",
    re.IGNORECASE,
)

_LEAD: Final = r"\s(?:(?:the|my|our|your|its|his|a|an)\s)?(?:(?:final|correct|true|real)\s){0,2}$"
_KNOWING: Final = (
    r"(?:(?<!no )(?<!without )(?<!beyond )doubts?|nobody\s\w+|no\sone\s\w+|unlikely|den(?:y|ies)"
    r"|(?:not|n't|n\u2019t|never|hardly)\s(?:think|believe|know|understand|say|claim|see|true|the\scase"
    r"|sure|certain|convinced|follow|mean|agree)|false|wonder)"
)
_UNSAID: Final = re.compile(
    rf"{_KNOWING}(?:\s(?:that|why|if|whether|how))?{_LEAD}"
    r"|\b(?:half|twice|thrice|double|triple|treble|times|than|minus|plus|whether|unless)"
    rf"(?:\sof)?{_LEAD}"
    r"|\b(?:negative|opposite|inverse|reciprocal|negation|square|cube|square\sroot|cube\sroot|root"
    r"|half|third|quarter|fifth|tenth|double|triple|multiple|complement|remainder|digits?|sum"
    rf"|logarithm|factorial|factor|part|guess)\s(?:of|to|at){_LEAD}"
    r"|\b(?:wrong|incorrect|false|bad|invalid|erroneous|mistaken|bogus|sample|example|typical|naive"
    r"|possible|tempting|common|trial|initial|first|original|previous|old|next)(?:\s\w{1,12})?\s$",
    re.IGNORECASE,
)
"""The end of what leads to "answer is" where it is another thing that is so, or is not said."""

_LEADS: Final = frozenset(("the", "The", "final", "Final", "correct", "so", "So", "thus", "Thus"))
_BEGINNINGS: Final = ("\nThe ", "\n", ". The ", "\nThe final ", ", the ", "So the ", "Final ")
_STOPS: Final = frozenset(".,:;!?*#>)。\uff0c\uff1a")

_UNWRAPPED: Final = (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$"), ("**", "**"))
_EDGES: Final = " \t\r\n*_`.,;:!。\uff0c"
_TEXT: Final = re.compile(r"\\(?:text|mathrm|textbf|mathbf|mbox|boxed|fbox)\s?\{([^{}]*)\}")
_WORDS: Final = re.compile(r"\\(?:text|mathrm|textbf|mbox|textrm)\s?\{([^{}\n]*)\}")
_SPACE: Final = re.compile(r"\\q?quad(?![a-z])|\\[,;! ]")
_HEAD: Final = re.compile(
    r"(\$[^$]+\$|\\\(.+?\\\)|\$?[-\u2212+]?\$?[0-9][0-9.,/]*)\\?[%\s~,]{0,3}[^\W\d_][^\d$\\]*"
)
_LABEL: Final = re.compile(r"[^=]{1,40}=\s*([^=]+)")
_CHOICE: Final = re.compile(r"[(\[]?([A-J])[)\].:]?(?![\w'])", re.DOTALL)
_WORD: Final = re.compile(r"[^\W\d_]{2,20}")
_LABELLED: Final = re.compile(r"[\\$({]{0,3}[a-zA-Z](?:_\w)?\$?\s?=\s?\S")
_OPERATION: Final = re.compile(r"[\d^+*/=√π]|\\[a-z]{2,}")


def offered(tail: str) -> str:
    """The other value that what follows an answer offers beside it; empty when there is none."""
    tail = _spelled(tail)
    for pattern in (_BEHIND, _ADJOINED, _BUT):
        if found := pattern.match(tail):
            return found[1]
    found = _ELSE.match(tail) if "else" in tail or "otherwise" in tail else None
    return found[1] if found else ""


def is_withdrawn(tail: str) -> bool:
    """Whether what follows an answer says that it is wrong."""
    if not any(map(tail.__contains__, _WITHDRAWAL_HINTS)):
        return False
    return _WITHDRAWN.search(_spelled(tail)) is not None


def _spelled(text: str) -> str:
    """The text with the words that TeX wraps, without its wide spaces."""
    if "\\" not in text:
        return text
    return _SPACE.sub(" ", _WORDS.sub(r" \1", text))


def is_denied(part: str, start: int, chosen: str, *, key: Callable[[str], Hashable]) -> bool:
    """Whether the words right before an answer deny it, or offer another one beside it."""
    before = part[max(0, start - _BEFORE_CHARS) : start]
    lowered = before.lower()
    if not any(map(lowered.__contains__, _HINTS)):
        return False
    before = _spelled(before)
    if _DENIED.search(before):
        return True
    other = _EITHER.search(before)
    return other is not None and differs(other[1], chosen, key=key)


def is_unsaid(part: str, start: int) -> bool:
    """Whether the phrase that starts there speaks of something else than the answer."""
    # Most phrases begin their sentence, and are spared the scan.
    if part.endswith(_BEGINNINGS, max(0, start - _BEFORE_CHARS), start):
        return False
    before = part[max(0, start - _BEFORE_CHARS) : start]
    before = before[before.rfind("\n") + 1 :]
    words = before.split()
    while words and words[-1] in _LEADS:
        words.pop()
    if not words or words[-1][-1] in _STOPS:
        return False
    return _UNSAID.search(before) is not None


def differs(other: str, chosen: str, *, key: Callable[[str], Hashable]) -> bool:
    """Whether the other text is a value, and not the chosen one in another notation."""
    if len(other) > _MAX_VALUE_CHARS or key(other) == key(chosen):
        return False
    plain, mine = _plain(other), _plain(chosen)
    if not plain or not _is_value(plain, other.strip(_EDGES), mine):
        return False
    known = {key(form) for form in _forms(mine)}
    return known.isdisjoint(key(form) for form in _forms(plain))


def _is_value(plain: str, written: str, mine: str) -> bool:
    if VALUE_START.match(plain) or _LABELLED.match(plain):
        return True
    if written.startswith(("$", "\\(", "\\[")) and _OPERATION.search(plain):
        return True
    if _CHOICE.match(plain):
        return _CHOICE.fullmatch(mine) is not None
    return _WORD.fullmatch(plain) is not None and _WORD.fullmatch(mine) is not None


def _plain(text: str) -> str:
    text = _TEXT.sub(r"\1", text[:_MAX_VALUE_CHARS]).strip(_EDGES)
    for opening, closing in _UNWRAPPED:
        inner = text[len(opening) : -len(closing)]
        if text.startswith(opening) and text.endswith(closing) and opening not in inner:
            text = inner.strip(_EDGES)
    if text.count("$") % 2 and text.endswith("$"):
        text = text[:-1].strip(_EDGES)
    if text.endswith((")", "\\)")) and "(" not in text:
        text = text.removesuffix(")").removesuffix("\\").strip(_EDGES)
    return text


def _forms(plain: str) -> list[str]:
    """The text, and what is left of it without a label, a unit, a sign of money or percent."""
    forms = [plain]
    if about := re.split(r"\\approx|≈", plain, maxsplit=1)[0].strip(_EDGES):
        forms.append(about)
    if labelled := _LABEL.fullmatch(plain):
        forms.append(labelled[1].strip(_EDGES))
    for form in list(forms):
        if head := _HEAD.fullmatch(form):
            forms.append(head[1].strip("$" + _EDGES))
        forms.append(form.strip("$\\% "))
    if choice := _CHOICE.match(plain):
        forms.append(choice[1])
    return [form for form in forms if form]
