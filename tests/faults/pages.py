"""A person who reloads pages all the time. A page is there, or a named error page says why it isn't."""

import asyncio
import re
from collections import Counter

import aiohttp

from tests.faults.cluster import PASSWORD, PERSON, Cluster

_PATHS = ("/", "/sidebar/", "/settings/providers/")
_EVERY_SECONDS = 0.3
_ANSWER_SECONDS = 15.0


class PageReader:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._cookies = aiohttp.CookieJar(unsafe=True)  # for an address without a name
        self.wrong: list[str] = []
        self._statuses: Counter[int | str] = Counter()

    @property
    def notes(self) -> list[str]:
        return [f"pages {status}: {count}" for status, count in self._statuses.items() if status != 200]

    async def sign_in(self) -> None:
        url = f"{self._cluster.urls[0]}/accounts/login/"
        async with aiohttp.ClientSession(cookie_jar=self._cookies) as session:
            async with session.get(url) as page:
                found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', await page.text())
            assert found, "the sign-in page has no form"
            form = {"login": PERSON, "password": PASSWORD, "csrfmiddlewaretoken": found[1]}
            async with session.post(url, data=form, allow_redirects=False) as answer:
                assert answer.status == 302, answer.status

    def begin(self) -> None:
        self.wrong = []
        self._statuses.clear()

    async def run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
        async with aiohttp.ClientSession(cookie_jar=self._cookies, timeout=timeout) as session:
            while True:
                for number, path in enumerate(_PATHS):
                    await self._read(session, self._cluster.urls[number % 2] + path)
                    await asyncio.sleep(_EVERY_SECONDS)

    async def _read(self, session: aiohttp.ClientSession, url: str) -> None:
        try:
            async with session.get(url, allow_redirects=False) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, OSError):
            self._statuses["unreachable"] += 1  # a web process that is restarted
            return
        except TimeoutError:
            self._statuses["timeout"] += 1
            return
        self._statuses[answer.status] += 1
        path = answer.url.path
        if answer.status not in (200, 503):
            self.wrong.append(f"page {path} answered {answer.status}")
        elif answer.status == 503 and ("<h1>" not in text or "Traceback" in text):
            self.wrong.append(f"page {path} has no words for its failure")
