"""A reader's browser without a screen: keeps cookies, fills in forms, and notes all that comes."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urljoin

PATIENCE = 60
"""Seconds until a reply, after which something is broken."""
MOST_PAGES = 20
# What scripts of the pages fill in: a screen that no design refuses.
SCREEN = {"width": "8192", "height": "8192", "pixel_ratio": "1"}


class Astray(Exception):
    """The pages did not lead where a reader should come; says which one did not."""


@dataclass(frozen=True)
class Reply:
    """One reply, as it came over the line."""

    address: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    first_byte: float
    """Seconds from the request to the first byte."""
    last_byte: float
    """Seconds from the request to the end."""
    at: float
    """When it had come, by the clock in seconds."""

    def header(self, name: str) -> str:
        """The value of a header, or nothing."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def behind(self, name: str) -> float | None:
        """Seconds by which the date in a header lies behind the clock; None where there is none."""
        try:
            return self.at - parsedate_to_datetime(self.header(name)).timestamp()
        except ValueError:
            return None


@dataclass
class Form:
    """A form of a page, with what a person who agrees to everything would give."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    pressed: bool = False
    """Its first button is: those after it decline."""


@dataclass
class Browser:
    """Talks to a server at `port` of this machine under the name `host`. Each request is a connection of its own."""

    port: int
    host: str
    secure: bool
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, address: str) -> Reply:
        return self._request("GET", address)

    def post_json(self, address: str, content: Any) -> Reply:
        headers = {"Content-Type": "application/json", "X-CSRFToken": self.cookies.get("csrftoken", "")}
        return self._request("POST", address, json.dumps(content).encode(), headers)

    def through_pages(self, address: str, door: str) -> bool:
        """Follow redirects and send every form from `address` on, until a page leads to `door`.

        Returns whether one did; a page without a form ends the way. Raises Astray where pages go round in circles.
        """
        for _page in range(MOST_PAGES):
            reply = self.get(address)
            reply = self._redirected(reply)
            if reply.status != 200:
                raise Astray(f"{reply.address} answered with the status {reply.status}.")
            page = _Page.read(reply)
            if door in page.links:
                return True
            if not page.forms:
                return False
            form = page.forms[0]
            sent = urlencode(form.fields).encode()
            target = urljoin(reply.address, form.action)
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            address = self._redirected(self._request("POST", target, sent, headers)).address
        raise Astray(f"After {MOST_PAGES} forms no page led to {door}; the last was {address}.")

    def _redirected(self, reply: Reply) -> Reply:
        for _step in range(MOST_PAGES):
            if reply.status not in (301, 302, 303, 307):
                return reply
            reply = self.get(urljoin(reply.address, reply.header("Location")))
        raise Astray(f"{reply.address} leads in circles.")

    def _request(
        self, method: str, address: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        scheme = "https" if self.secure else "http"
        sent = {
            "Host": self.host,
            "Origin": f"{scheme}://{self.host}",
            "Referer": f"{scheme}://{self.host}{address}",
            "X-Forwarded-Proto": scheme,
            "Accept-Encoding": "gzip, deflate, br",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Connection": "close",
        }
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.connect()
            asked = time.perf_counter()
            connection.request(method, address, body, sent | (headers or {}))
            response = connection.getresponse()
            first_byte = time.perf_counter() - asked
            content = response.read()
            last_byte = time.perf_counter() - asked
        finally:
            connection.close()
        came = response.getheaders()
        for name, value in came:
            if name.lower() == "set-cookie":
                self.cookies |= {key: morsel.value for key, morsel in SimpleCookie(value).items()}
        return Reply(address, response.status, came, content, first_byte, last_byte, time.time())


class _Page(HTMLParser):
    """Links and forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.forms: list[Form] = []

    @classmethod
    def read(cls, reply: Reply) -> _Page:
        page = cls()
        page.feed(reply.body.decode())
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a":
            self.links.add(given.get("href", ""))
        if tag == "form" and given.get("method", "").lower() == "post":
            self.forms.append(Form(given.get("action", "")))
        if self.forms and tag == "button":
            self._press(given)
        elif self.forms and tag in ("input", "textarea") and given.get("name"):
            self._fill(given["name"], given.get("type", "text"), given.get("value", ""))

    def _press(self, button: dict[str, str]) -> None:
        form = self.forms[-1]
        if not form.pressed and "name" in button:
            form.fields[button["name"]] = button.get("value", "")
        form.pressed = True

    def _fill(self, name: str, kind: str, value: str) -> None:
        fields = self.forms[-1].fields
        if kind in ("radio", "checkbox"):
            # The first of a group.
            fields.setdefault(name, value or "on")
        elif name in SCREEN:
            fields[name] = SCREEN[name]
        else:
            fields[name] = value or ("10" if kind == "number" else "")
