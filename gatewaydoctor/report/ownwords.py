"""Every word the program uses itself, read from its own source: what is none of them came from elsewhere."""

from __future__ import annotations

import errno
import os
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

from gatewaydoctor.report.vocabulary import KEY_WORDS, PATH_WORDS, SUFFIX_WORDS, VOCABULARY

_LEFT_OUT = frozenset({"fixtures", "simulate", "__pycache__"})
"""Rooms whose words are invented names, or those of the storms."""
_WORD = re.compile(r"[^\W\d_]+|\w+")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z]+")
_BORROWED = frozenset({"kb", "mb", "gb", "tb", "utc", "dir", "sid"})


@cache
def own_words() -> frozenset[str]:
    """In lower case. Without its source, as where only compiled files are shipped, those of the vocabulary."""
    words = set(_BORROWED)
    for known in (KEY_WORDS, PATH_WORDS, SUFFIX_WORDS, VOCABULARY):
        words |= {word.lower() for text in known for word in _WORD.findall(text)}
    for code in errno.errorcode:
        words |= {word.lower() for word in _WORD.findall(os.strerror(code))}
    for source in _sources(files("gatewaydoctor")):
        for word in set(_WORD.findall(source)):
            words.add(word.lower())
            words |= {part.lower() for part in _CAMEL.findall(word)}
    return frozenset(words)


def _sources(directory: Traversable) -> Iterator[str]:
    for each in directory.iterdir():
        if each.is_dir():
            if each.name not in _LEFT_OUT:
                yield from _sources(each)
        elif each.name.endswith(".py"):
            yield each.read_text(encoding="utf-8")
