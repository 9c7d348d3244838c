"""What a browser saw of each film, sorted into channels: texts that should agree, and numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.blinding import Numbers, Texts
from gan.pixels import Film, quantise
from readerstudy.results.blinding.browser import Reply
from readerstudy.results.blinding.walk import SeenSlot
from readerstudy.studies.pixel_features import pixel_features

# No reply that carries pixels may have these: a compressed length and a date tell the truth.
FORBIDDEN = {"etag", "last-modified", "content-encoding", "content-disposition", "age", "expires", "server-timing"}
CODE = re.compile(r"[A-Za-z0-9_-]{22}")
NUMBER = re.compile(r"\d+(\.\d+)?")
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Headers that say when the reply was made, and nothing else where they are within so many seconds of the clock.
MOMENTS = {"date", "expires"}
NOW_SECONDS = 600


@dataclass(frozen=True)
class SeenFilm:
    """One film of a slot, as the browser got it."""

    slot: SeenSlot
    film: Reply
    position: int
    """Of the slot in the reader's list, from 0."""
    right: bool


def texts_of(films: Sequence[SeenFilm], side: int, levels: int) -> list[Texts]:
    """Channels of texts: everything but numbers, codes and the picture."""
    channels = []
    for kind in ("slot", "film", "answer"):
        replies = [_reply(film, kind) for film in films]
        channels += [
            Texts(f"{kind}: address", [_form_of(reply.address) for reply in replies], must_agree=True),
            Texts(f"{kind}: status", [str(reply.status) for reply in replies], must_agree=True),
            Texts(f"{kind}: names of headers", [_names(reply) for reply in replies], must_agree=True),
            *_headers(kind, replies),
        ]
        if kind != "film":
            # What it says depends on the position in the list: pauses, the end.
            channels.append(Texts(f"{kind}: text", [_form_of(reply.body.decode()) for reply in replies]))
    replies = [film.film for film in films]
    channels += [
        Texts("film: forbidden headers", [_forbidden(reply) for reply in replies], True, expected=""),
        Texts("film: length", [str(len(reply.body)) for reply in replies], True, expected=str(2 * side * side)),
        Texts("film: level grid", [_grid(reply, side, levels) for reply in replies], True, expected="on it"),
    ]
    return channels


def numbers_of(films: Sequence[SeenFilm], side: int, levels: int, noise: float) -> list[Numbers]:
    """Channels of numbers: order, codes, times, numbers in replies, and from the pixels what is not anatomy."""
    shown = [pixel_features(_pixels(film.film, side), levels, noise).as_dict() for film in films]
    return [
        _channel("order", [[film.position, film.position % 2, film.right] for film in films]),
        _channel("codes", [_of_code(film.slot.code) for film in films]),
        *(_times(kind, [_reply(film, kind) for film in films]) for kind in ("slot", "film", "answer")),
        _channel(
            "date header",
            [[_reply(film, kind).behind("Date") or 0.0 for kind in ("slot", "film", "answer")] for film in films],
        ),
        *(_numbers_in(kind, [_reply(film, kind) for film in films]) for kind in ("slot", "answer")),
        _channel("film: border", [[row["border"]] for row in shown]),
        _channel("film: padding", [[row["padding"]] for row in shown]),
        *(
            _channel(f"film: {name.replace('_', ' ')}", [[row[name]] for row in shown], of_the_picture=True)
            for name in ("distinct_levels", "minimum", "maximum", "noise")
        ),
        _channel(
            "film: least significant bits",
            [[row["odd_levels"], row["bit_changes"]] for row in shown],
            of_the_picture=True,
        ),
    ]


def _reply(film: SeenFilm, kind: str) -> Reply:
    return {"slot": film.slot.slot, "film": film.film, "answer": film.slot.answer}[kind]


def _channel(name: str, rows: Sequence[Sequence[float]], *, of_the_picture: bool = False) -> Numbers:
    return Numbers(name, np.array(rows, dtype=np.float64), of_the_picture)


def _form_of(text: str) -> str:
    """A text without codes and numbers, which have channels of their own."""
    return NUMBER.sub("#", CODE.sub("·", text))


def _names(reply: Reply) -> str:
    return ", ".join(name for name, _value in reply.headers)


def _headers(kind: str, replies: Sequence[Reply]) -> Iterator[Texts]:
    """Values of headers: of a film as they are, of other replies without numbers and codes."""
    for name in sorted({name.lower() for reply in replies for name, _value in reply.headers}):
        yield Texts(f"{kind}: header {name}", [_value(reply, name, kind) for reply in replies], must_agree=True)


def _value(reply: Reply, name: str, kind: str) -> str:
    value = reply.header(name)
    behind = reply.behind(name) if name in MOMENTS else None
    if behind is not None and abs(behind) < NOW_SECONDS:
        return "now"
    if name == "content-length" and value == str(len(reply.body)):
        return "as sent"
    if name == "set-cookie":
        # A name, a secret, and how long it is kept.
        return re.sub(r"=[^;]*", "=·", value)
    return value if kind == "film" else _form_of(value)


def _forbidden(reply: Reply) -> str:
    return ", ".join(sorted(FORBIDDEN & {name.lower() for name, _value in reply.headers}))


def _pixels(reply: Reply, side: int) -> Film:
    """What the viewer would show of a payload; one of another length is cut or filled, which its length tells."""
    size = 2 * side * side
    return np.frombuffer(reply.body[:size].ljust(size, b"\0"), dtype="<u2").reshape(side, side).astype(np.uint16)


def _grid(reply: Reply, side: int, levels: int) -> str:
    film = _pixels(reply, side)
    return "on it" if np.array_equal(film, quantise(film, levels)) else "off it"


def _of_code(code: str) -> list[float]:
    """A code's beginning and end as numbers, and the mean of its letters: an order among codes shows in these."""
    digits = [LETTERS.index(letter) for letter in code if letter in LETTERS] or [0]
    head, tail = (sum(digit / 64**place for place, digit in enumerate(part[:6])) for part in (digits, digits[-6:]))
    return [head, tail, float(np.mean(digits))]


def _times(kind: str, replies: Sequence[Reply]) -> Numbers:
    rows = [[reply.first_byte, reply.last_byte - reply.first_byte] for reply in replies]
    return _channel(f"{kind}: time", rows)


def _numbers_in(kind: str, replies: Sequence[Reply]) -> Numbers:
    """All numbers of the replies' bodies and headers; one that is missing is −1."""
    rows = [dict(_leaves(json.loads(reply.body))) | _in_headers(reply) for reply in replies]
    names = sorted({name for row in rows for name in row})
    return _channel(f"{kind}: numbers", [[row.get(name, -1.0) for name in names] for row in rows])


def _leaves(content: Any, name: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _leaves(value, f"{name}.{key}")
    elif isinstance(content, (bool, int, float)):
        yield name, float(content)


def _in_headers(reply: Reply) -> dict[str, float]:
    return {
        f"header {name}": float(found[0])
        for name, value in reply.headers
        if name.lower() not in MOMENTS and (found := NUMBER.search(value))
    }
