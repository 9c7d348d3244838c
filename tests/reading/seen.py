"""All that a reader's browser can see besides the pixels, and whether real and synthetic films differ in it.

A `Reply` is what came for one slot. `differences` compares the replies of real films with those of synthetic ones. It
leaves out what must differ from slot to slot and is drawn or counted without truth: the slots' codes (their form is
compared), the number of the film, the pause after a block of films, the minutes left at the reader's own pace, the date
at which a reply was made.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# No reply that carries pixels may have these: a compressed length and a date tell the truth.
FORBIDDEN = {"etag", "last-modified", "content-encoding", "content-disposition", "age", "expires", "server-timing"}
# Dates that say when the reply was made. No other header may hold a date.
NOW = {"date", "expires"}
CODE = re.compile(r"[A-Za-z0-9_-]{22}")
COUNTED = re.compile(r'"(number|minutes_left|pause)":(\d+|null|true|false)')


@dataclass(frozen=True)
class Reply:
    """One reply to a request about one slot."""

    kind: str
    """What was asked for: slot, film or answer."""
    address: str
    status: int
    headers: Mapping[str, str]
    length: int
    body: str = ""
    """The text of a reply that is no film."""

    @property
    def seen(self) -> dict[str, object]:
        """Every feature that is compared, by name."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        for name in headers.keys() & NOW:
            if abs((datetime.now(UTC) - parsedate_to_datetime(headers[name])).total_seconds()) < 600:
                headers[name] = "now"
        # How many letters these values have is told by position and pace; all else of the length must agree.
        shape = COUNTED.sub(r'"\1":0', CODE.sub("·" * 22, self.body))
        length = self.length - len(self.body) + len(shape)
        if headers.get("content-length") == str(self.length):
            headers["content-length"] = "as sent"
        return {
            "address": CODE.sub("·" * 22, self.address),
            "length of the address": len(self.address),
            "status": self.status,
            "names of headers": tuple(sorted(headers)),
            "length": length,
            "text": shape,
        } | {f"header {name}": value for name, value in headers.items()}

    @property
    def ends_the_list(self) -> bool:
        """Told near the end of every reader's list, which is one film's lot whichever it is."""
        return '"ahead":null' in self.body or '"done":true' in self.body


def differences(real: Collection[Reply], synthetic: Collection[Reply]) -> list[str]:
    """A sentence for each feature in which the two differ, or which no film may have; empty is best."""
    found = []
    for kind in sorted({reply.kind for reply in [*real, *synthetic]}):
        ours, theirs = (_features(reply for reply in side if reply.kind == kind) for side in (real, synthetic))
        for feature in sorted(ours | theirs):
            if ours.get(feature) != theirs.get(feature):
                found.append(f"{kind}: {feature}: {ours.get(feature)} against {theirs.get(feature)}")
    for reply in [*real, *synthetic]:
        if reply.kind == "film":
            names = FORBIDDEN & {name.lower() for name in reply.headers}
            found += [f"film: a header {name}" for name in names]
    films = [reply.seen for reply in [*real, *synthetic] if reply.kind == "film"]
    if any(film != films[0] for film in films):
        found.append("film: replies are not all alike")
    return found


def _features(replies: Iterable[Reply]) -> dict[str, set[object]]:
    features: dict[str, set[object]] = {}
    for reply in replies:
        if reply.ends_the_list:
            continue
        for name, value in reply.seen.items():
            features.setdefault(name, set()).add(value)
    return features
