"""The personal link: whom it lets in, when it ends, and how often an address may be wrong."""

from __future__ import annotations

from datetime import timedelta
from math import ceil

from django.conf import settings
from django.db import transaction
from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import APIException

from readerstudy.audit.models import record
from readerstudy.reading.models import WrongLink
from readerstudy.studies.models import ReaderIdentity, Study
from readerstudy.studies.services import link_hash

# So many wrong links from one address within the window, and none from there is opened for as long again.
WRONG_LINKS = 10
WINDOW = timedelta(minutes=15)


class Refused(APIException):
    """Nobody comes in by this link now. `detail` is a sentence for the reader."""

    heading = gettext_lazy("This link cannot be opened now")


class LinkEnded(Refused):
    """The link was a good one once."""

    status_code = 410
    heading = gettext_lazy("This link has ended")


class LockedOut(Refused):
    """Too many links from this address were wrong."""

    status_code = 429
    heading = gettext_lazy("Please wait")

    def __init__(self, left: timedelta) -> None:
        self.wait = ceil(left.total_seconds())
        super().__init__(
            _(
                "Too many links that do not exist were tried from your network. Try yours again in %(minutes)d "
                "minutes. Where you have begun to read in this browser, you can go on."
            )
            % {"minutes": ceil(left / timedelta(minutes=1))}
        )


def find_link(*, token: str, address: str, begun: bool) -> ReaderIdentity:
    """Whose link it is. Raises LockedOut, Http404 where it is nobody's, and LinkEnded where it is withdrawn or over.

    Who has `begun` by this link in this browser is not locked out by what others try from the same network.
    """
    if not begun:
        _refuse_locked_out(address)
    identities = ReaderIdentity.objects.select_related("reader__study")
    identity = identities.filter(link_hash=link_hash(token)).first()
    if identity is None:
        _note_wrong_link(address)
        raise Http404
    try:
        refuse_ended(identity)
    except LinkEnded:
        _record_refusal(identity)
        raise
    return identity


def opens_once(identity: ReaderIdentity) -> bool:
    return identity.reader.study.link_use == Study.LinkUse.ONCE


def refuse_ended(identity: ReaderIdentity) -> None:
    """Raise LinkEnded where the link was withdrawn or its time is over; the sessions that it opened end with it."""
    if identity.link_withdrawn_at:
        raise _ended(_("Your personal link has been withdrawn."))
    if identity.link_expires_at <= timezone.now():
        raise _ended(_("Your personal link was valid for a time that is over."))


def refuse_used(identity: ReaderIdentity) -> None:
    """Raise LinkEnded where the link opens once and has been opened."""
    if opens_once(identity) and identity.link_opened_at:
        _record_refusal(identity)
        raise _ended(
            _("Your personal link opens once, and it has been opened; in the browser that opened it you can go on.")
        )


def open_link(identity: ReaderIdentity) -> None:
    """Note that a link was opened. Raises LinkEnded where it opens once and somebody was faster."""
    with transaction.atomic():
        unopened = ReaderIdentity.objects.filter(link_hash=identity.link_hash, link_opened_at=None)
        first = bool(unopened.update(link_opened_at=timezone.now()))
        if first or not opens_once(identity):
            _record(identity, "link opened", first=first)
            return
    identity.refresh_from_db(fields=["link_opened_at"])
    refuse_used(identity)


def address_of(request: HttpRequest) -> str:
    """Where a request comes from: what the server in front says, if there is one, which adds it as the last hop."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.PROXY else ""
    return forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")


def _ended(reason: str) -> LinkEnded:
    what_to_do = _("Ask whoever sent it to you for a new one. What you have said so far is kept.")
    return LinkEnded(f"{reason} {what_to_do}")


def _refuse_locked_out(address: str) -> None:
    wrong = WrongLink.objects.filter(address_hash=_address_hash(address)).order_by("-at")
    times = list(wrong.values_list("at", flat=True)[:WRONG_LINKS])
    if len(times) == WRONG_LINKS and times[0] - times[-1] <= WINDOW:
        left = times[0] + WINDOW - timezone.now()
        if left > timedelta(0):
            raise LockedOut(left)


def _note_wrong_link(address: str) -> None:
    with transaction.atomic():
        # Two windows old, a row can neither lock out nor keep locked.
        WrongLink.objects.filter(at__lt=timezone.now() - 2 * WINDOW).delete()
        WrongLink.objects.create(address_hash=_address_hash(address))
        record(actor="stranger", action="wrong link", subject="reading")


def _address_hash(address: str) -> str:
    """Under the server's key: there are so few addresses that a plain hash would be as good as the address."""
    return salted_hmac("readerstudy.reading.links", address, algorithm="sha256").hexdigest()


def _record_refusal(identity: ReaderIdentity) -> None:
    _record(
        identity,
        "link refused",
        withdrawn=bool(identity.link_withdrawn_at),
        expired=identity.link_expires_at <= timezone.now(),
        opened=bool(identity.link_opened_at),
    )


def _record(identity: ReaderIdentity, action: str, **detail: bool) -> None:
    reader = identity.reader
    record(actor=reader.pseudonym, action=action, subject=f"study:{reader.study} reader:{reader.pseudonym}", **detail)
