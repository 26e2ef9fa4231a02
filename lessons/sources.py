"""Checks that a source names the place of the cited fact in a work, so that a reader can look it up.

says_where("Vaswani et al. 2017, section 3.2.1")      # True
says_where("Vaswani et al. 2017")                     # False
unplaced("As Vaswani et al. (2017) say, it is so.")   # ["Vaswani 2017"]
"""

from __future__ import annotations

import re

_PLACE = re.compile(
    r"\b(abstract|sections?|appendix|appendices|chapter|pages? \d+|tables?|figures?|equations?|theorem|algorithm|footnote"
    r"|issues? \d+|README|FAQ|card|post|documentation: \w+|transformers \d+"  # a project
    r"|counted|computed|measured|measurements?|run here|by running)\b"  # ours
    r"|\w\.(py|md|csv|json)\b|\bcore\.\w"  # a file or module
    r"|[\d ]节|第 ?\d|摘要|附录|表 ?\d|图 ?\d|式 ?\d",
    re.IGNORECASE,
)
_DATED = re.compile(r"\b(19|20)\d\d\b")
_CITED = re.compile(r"([A-Z][a-zöü]+)(?: et al\.| 等)?[,，]? ?[(（]?((?:19|20)\d\d)(?!\d)")


def says_where(source: str) -> bool:
    """Return True if a source names a place: a section, table or equation of a paper, a file or page of a project, or
    our own count.

    Of several works, parted by semicolons, each that bears a year must name its own.
    """
    dated = [part for part in re.split("[;；]", source) if _DATED.search(part)]
    return bool(_PLACE.search(source)) and all(_PLACE.search(part) for part in dated)


def unplaced(prose: str) -> list[str]:
    """The works cited by name and year in a text, in English or Chinese, whose place the text never gives.

    A place belongs to the last work cited before it in its paragraph.
    """
    placed: dict[str, bool] = {}
    for paragraph in prose.splitlines():
        end = len(paragraph)
        for found in reversed(list(_CITED.finditer(paragraph))):
            work = " ".join(found.groups())
            placed[work] = placed.get(work, False) or bool(_PLACE.search(paragraph[found.end() : end]))
            end = found.start()
    return [work for work, is_placed in placed.items() if not is_placed]
