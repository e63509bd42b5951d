"""The words around a stated answer, in English, Chinese, French, German and Spanish."""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "ALSO", "A_LINE", "CLAUSE", "COPULA_VALUE", "DENIAL", "DESCRIPTION", "DOUBT", "FILLER",
    "HINTS", "PHRASE", "RESULT", "SENTENCE_END", "VALUE_START",
]  # fmt: skip

HINTS: Final = ("nswer", "NSWER", "ntwort", "ponse", "spuesta", "orrect ", "答案", "选", "選")
"""What every phrase holds one of: their absence spares most texts the scan for phrases."""

_VALUE: Final = r"(?=[\s:*_$\\(\[{]{0,8}[-\u2212+]?[.0-9$\\(\[])"
_ADJECTIVES: Final = r"(?:\s(?:finale?|correcta?|richtige)){0,2}"
_HEADING: Final = r"^[ \t>#*_]{0,10}"

PHRASE: Final = re.compile(
    r"(?<![a-z])(?:"
    r"(?:answers?|correct\s(?:option|choice))[*_]{0,3}"
    r"(?:\s(?:to|for)\s(?:the|this|your|our|part|problem|question)\b[^\s.:=\uff1a]{0,12}+"
    r"(?:[ \t]++[^\s.:=\uff1a]{1,20}+){0,5}?)?"
    # A look at the next letter spares most words of a long text the choice below.
    r"[*_\s]{0,4}+(?=[=:\uff1aiawsmc])"
    rf"(?:(?:is|are|=)(?![a-z])|would\sbe\b|(?:should|must|will)\sbe\b{_VALUE}"
    rf"|(?:comes|works)\sout\s(?:to|as)(?:\sbe)?\b{_VALUE}|[:\uff1a])"
    r"|final\sanswer[*_]{0,3}[ \t]*\n"
    rf"|{_HEADING}(?:(?:the\s)?correct\s)?answer[*_]{{0,3}}[ \t]*\n"
    rf"|(?:antwort|r[ée]ponse|respuesta){_ADJECTIVES}[*_\s]{{0,4}}"
    r"(?:(?:ist|lautet|est|es)\b|[:\uff1a])"
    r"|答案[*_]{0,3}\s?(?:应?该?[是为為]|选|選|[:\uff1a])"
    rf"|{_HEADING}(?:最终|正确)?答案[*_]{{0,3}}[ \t]*\n"
    r"|[故应所以因此题][选選]\s?(?=[(\uff08]?[A-J](?![a-zA-Z]))"
    r")[:\uff1a]?",
    re.IGNORECASE | re.MULTILINE,
)
A_LINE: Final = re.compile(r"A[ \t]{0,2}:(?=[ \t])")
RESULT: Final = re.compile(
    r"(?:(?<![a-z])(?:(?:the|my|our)\s(?:final\s)?(?:result|solution|value)"
    r"|le\sr[ée]sultat|la\ssolution"
    r"|das\s(?:end)?ergebnis|die\slösung|el\sresultado|la\ssoluci[oó]n)(?:\sfinale?)?\s"
    r"(?:is|est|ist|lautet|es)\b"
    r"|^[ \t>#*_-]{0,10}(?:final\s)?"
    r"(?:result|solution|r[ée]sultat|ergebnis|lösung|resultado|soluci[oó]n)"
    r"[*_]{0,3}\s?[:\uff1a])[:\uff1a]?",
    re.IGNORECASE,
)
"""Weaker than a phrase, for a step has a result too: read in the last line alone."""

VALUE_START: Final = re.compile(r"[-\u2212+$\\(\[{√.]{0,4}\s?[0-9\\]")
SENTENCE_END: Final = re.compile(r"\.(?=\s|$)|[。\uff1b\uff01]")
CLAUSE: Final = re.compile(
    r"[,;]?\s(?:because|since|so|which|when|where|if|after|given|therefore|thus|hence|but|for|as"
    r"|puisque|parce|weil|porque|ya\sque)\s"
    r"|(?<=[0-9$)}]),?\s(?:car|denn|da|pues)\s"
    r"|,\s(?!and\b|or\b|et\b|ou\b|und\b|oder\b)(?=[a-zà-ÿ]{2,}\b|I\b)"
    r"|[\uff0c,]\s?(?![或和与及])(?=[\u4e00-\u9fff])|因为"
    r"|\s\((?=(?:as|since|because|which|that|the|an?|i\.e\.|not|where|when|after|from|rounded)\b)"
)
DOUBT: Final = re.compile(
    r"\b(?:probably|perhaps|maybe|possibly|likely|guess|might|could|unsure|alternatively"
    r"|peut-être|probablement|vielleicht|wahrscheinlich|quizás?|probablemente|tal\svez)\b"
    r"|可能|也许|大概|或许",
    re.IGNORECASE,
)
ALSO: Final = re.compile(
    r"[\s$()\]}*_\\.,;。\uff0c\uff1b]{0,8}"
    r"(?:but\s|and\s)?(?:it\s)?(?:or|could|might|may|maybe|perhaps|possibly|alternatively"
    r"|else|otherwise|no|wait|actually|rather|sorry|i\smean|oder|ou|o|u"
    r"|或者?|也许|可能)[,:]?"
    r"(?:\s(?:maybe|perhaps|possibly|even|rather|else|is|it|it's|its|be|could|might|wait"
    r"|actually|no),?){0,3}\s{0,3}"
    r"([$\\(\[\s]{0,4}[-\u2212]?\.?[0-9][^\s;]{0,40})",
    re.IGNORECASE,
)
"""Another number offered right behind an answer, beside it or in its place."""

DENIAL: Final = re.compile(
    r"(?:not|n't|never|correct|incorrect|wrong|right|as follows|below|above|unknown|unclear"
    r"|between|(?:less|greater|more|fewer|larger|smaller)\sthan|at\s(?:least|most)|supposed"
    r"|expected|rounded|written|expressed|an?\s(?:integer|number|fraction|decimal|whole|positive)"
    r"|(?:positive|negative)\s(?:integer|number)"
    r"|nicht|kein\w*|pas|jamais|nunca)\b",
    re.IGNORECASE,
)
"""The beginning of what follows a phrase and is no answer."""

FILLER: Final = re.compile(
    r"(?:(?:therefore|thus|hence|then|simply|just|exactly|approximately|about|roughly|indeed"
    r"|clearly|equal\sto|donc|alors|exactement|environ|also|somit|daher|folglich|genau|ungefähr"
    r"|por\s(?:lo\s)?tanto|entonces|exactamente|aproximadamente)\b[\s,:\uff1a*]{0,4}){1,3}",
    re.IGNORECASE,
)
DESCRIPTION: Final = re.compile(r"(?:the|a|an|that|to|in|what|how)\s", re.IGNORECASE)

COPULA_VALUE: Final = re.compile(
    r"[^0-9$\\,;:?!()=<>\"\n]{1,160}"
    r"(?:\s(?:is|are|was|were|equals|est|vaut|ist|lautet|beträgt|es)\s|\s?=\s?|[是为]\s?)"
    r"(\$?[-\u2212]?\$?(?:(?:[0-9]{1,3}(?:,[0-9]{3}){1,9}|[0-9]{1,30})(?:\.[0-9]{1,30})?"
    r"|\.[0-9]{1,30})(?:/[0-9]{1,30})?\s?\\?%?"
    r"|\$[^$\n]{1,80}\$|\\\([^\n]{1,80}?\\\))"
    r"(?:\s[a-z]{1,12})?[.。]?"
)
"""A sentence whose one value is its last word."""
