"""The personal link of a reader."""

from urllib.parse import urljoin

from django.urls import reverse


def personal_link(base_url: str, token: str) -> str:
    """The address by which a reader comes in. It is a key: show it once and store it nowhere."""
    return urljoin(base_url, reverse("reading:enter", args=[token]))
