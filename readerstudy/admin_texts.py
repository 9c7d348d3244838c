"""Small texts that several pages of the admin show: links, and dates that leave a list its width."""

from __future__ import annotations

import re
from datetime import datetime

from django.urls import Resolver404, resolve
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timezone import localtime

ADDRESS = re.compile(r"((?<!\S)/[\w/-]+/)")


def link(address: str, text: str | Promise) -> SafeString:
    return format_html('<a href="{}">{}</a>', address, text)


def with_links(text: str) -> SafeString:
    """The text with addresses of this server as links. A folder looks like one, so only what leads somewhere counts."""
    return format_html_join("", "{}", ((_link_or_text(part),) for part in ADDRESS.split(text)))


def _link_or_text(part: str) -> str:
    if not ADDRESS.fullmatch(part):
        return part
    try:
        resolve(part)
    except Resolver404:
        return part
    # Lists are narrow, and the link itself has the whole address.
    return link(part, Truncator(part).chars(20))


def short_date(moment: datetime | None) -> str | None:
    """None for what has not happened, which the admin shows as it shows every empty field."""
    return date_format(localtime(moment), "j M Y, H:i") if moment else None
