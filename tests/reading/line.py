"""A reader's browser at a real server, over real connections: no test client between them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlsplit

PATIENCE = 60
"""Seconds until a reply, after which something is broken."""


@dataclass
class Line:
    """One reader who has opened the personal link on the server at `url`. Each request is a connection of its own."""

    url: str
    cookies: dict[str, str]
    csrf_token: str = ""

    @classmethod
    def opened(cls, url: str, token: str) -> Line:
        line = cls(url, {})
        line.get(f"/read/{token}/")
        page = line.get("/read/room/")[1].decode()
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert found
        line.csrf_token = found[1]
        return line

    def get(self, path: str) -> tuple[int, bytes]:
        return self._request("GET", path)

    def slot(self) -> dict[str, Any]:
        return json.loads(self.get("/read/slot/")[1])

    def answer(self, code: str, rating: int, milliseconds: int = 4000, **headers: str) -> tuple[int, dict[str, Any]]:
        body = json.dumps({"rating": rating, "milliseconds": milliseconds})
        headers |= {"Content-Type": "application/json", "X-CSRFToken": self.csrf_token}
        status, reply = self._request("POST", f"/read/answer/{code}/", body, headers)
        return status, json.loads(reply)

    def _request(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=PATIENCE)
        try:
            connection.request(method, path, body, {"Cookie": cookies, "Connection": "close"} | (headers or {}))
            reply = connection.getresponse()
            for cookie in reply.headers.get_all("Set-Cookie", []):
                self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(cookie).items()}
            return reply.status, reply.read()
        finally:
            connection.close()
