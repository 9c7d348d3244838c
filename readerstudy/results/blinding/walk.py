"""A reader's way through a study, over HTTP: what a browser gets for each slot of the list."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from gan.findings import NO_FINDING
from readerstudy.results.blinding.browser import Astray, Browser, Reply

# What the reader says is the same of every film, so that nothing in the replies comes from it.
RATING, CHOSEN, MILLISECONDS = 3, "left", 4000
NOTHING_FOUND = {"findings": {NO_FINDING: 3}}


@dataclass(frozen=True)
class SeenSlot:
    """What came for one slot, from asking for it to the reply to its answer."""

    code: str
    slot: Reply
    films: list[Reply]
    """One, or two from left to right."""
    answer: Reply


def read_study(browser: Browser, token: str, most_films: int | None = None) -> Iterator[SeenSlot]:
    """Come in by the personal link and read to the end of what can be read today, or to so many slots.

    Raises Astray where the study does not take what its own pages ask for.
    """
    start, room = reverse("reading:start"), reverse("reading:room")
    address = reverse("reading:enter", args=[token])
    read = 0
    # Between phases there are pages again.
    while browser.through_pages(address, door=room):
        address, before = start, read
        browser.get(room)
        for seen in _slots(browser):
            yield seen
            read += 1
            if read == most_films:
                return
        if read == before:
            raise Astray("A page leads to films where there is none to read.")


def _slots(browser: Browser) -> Iterator[SeenSlot]:
    pairs = None
    while True:
        slot = browser.get(reverse("reading:slot"))
        here = _content(slot)
        if here.get("done"):
            return
        code = here["code"]
        if here["asks"] == "remark":
            _remarked(browser, code)
            continue
        films = [browser.get(reverse("reading:film", args=[code]))]
        if pairs is not False:
            right = browser.get(reverse("reading:film-right", args=[code]))
            pairs = right.status == 200
            films += [right] if pairs else []
        asked_for_findings = here["asks"] == "findings"
        reply = _remarked(browser, code, NOTHING_FOUND) if asked_for_findings else _answered(browser, code, pairs=pairs)
        yield SeenSlot(code, slot, films, reply)


def _answered(browser: Browser, code: str, *, pairs: bool) -> Reply:
    said = {"chosen": CHOSEN} if pairs else {"rating": RATING}
    reply = browser.post_json(reverse("reading:answer", args=[code]), {**said, "milliseconds": MILLISECONDS})
    _content(reply)
    return reply


def _remarked(browser: Browser, code: str, said: dict[str, Any] | None = None) -> Reply:
    reply = browser.post_json(reverse("reading:remark", args=[code]), {**(said or {}), "milliseconds": MILLISECONDS})
    _content(reply)
    return reply


def _content(reply: Reply) -> dict[str, Any]:
    if reply.status != 200:
        raise Astray(f"{reply.address} answered with the status {reply.status}: {reply.body[:200].decode()}")
    return json.loads(reply.body)
