"""Ends the websockets of people who may not be here any more: one look a second at all of a process.

It asks the database instead of listening to whoever changes something, so that no way of ending a
session, token or account can be forgotten: not the clock's, not a command's, not a deleted row's.
"""

import asyncio
import logging
import weakref
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import Error as DatabaseError
from django.utils import timezone

from accounts.models import PersonalAccessToken, User
from accounts.websocket import Identity, Scope, is_allowed
from betterchat.core.db import in_thread

LOOK_EVERY_SECONDS = 1.0
_NOTE_EVERY = timedelta(minutes=1)

type End = Callable[[], Awaitable[None]]

logger = logging.getLogger(__name__)


class Watch:
    """One per event loop; it looks while there are sockets and rests otherwise."""

    _of_loop: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Watch]" = weakref.WeakKeyDictionary()

    def __init__(self) -> None:
        self._sockets: dict[object, tuple[Identity, End]] = {}
        self._looking: asyncio.Task[None] | None = None
        self._look = _Look()

    @classmethod
    def current(cls) -> "Watch":
        return cls._of_loop.setdefault(asyncio.get_running_loop(), cls())

    def add(self, socket: object, *, scope: Scope, end: End) -> None:
        """Call `end` once the person of `scope` would not be let in again."""
        self._sockets[socket] = (scope["identity"], end)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._keep_looking())

    def remove(self, socket: object) -> None:
        self._sockets.pop(socket, None)
        if not self._sockets and self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            try:
                gone = await in_thread(self._look.gone)({identity for identity, _ in self._sockets.values()})
            except DatabaseError as error:
                # Nobody is sent away for it: commands ask again by themselves.
                logger.warning("sockets can't be authorised anew: %s", type(error).__name__)
                continue
            ends = [end() for identity, end in self._sockets.values() if identity in gone]
            await asyncio.gather(*ends, return_exceptions=True)


class _Look:
    """Three small queries for all sockets. What is as it was when it was last found good is good."""

    def __init__(self) -> None:
        self._good: dict[Identity, object] = {}
        self._noted_at = timezone.now()

    def gone(self, identities: set[Identity]) -> set[Identity]:
        """Those of `identities` who would not be let in again."""
        facts = _facts(identities)
        found_good: dict[Identity, object] = {}
        gone: set[Identity] = set()
        for identity in identities:
            fact = facts.get(identity)
            if fact is not None and (self._good.get(identity) == fact or is_allowed(identity)):
                found_good[identity] = fact
            else:
                gone.add(identity)
        self._good = found_good
        self._note_seen(found_good)
        return gone

    def _note_seen(self, identities: Iterable[Identity]) -> None:
        """An open tab is somebody who is here, also without a request."""
        now = timezone.now()
        if now - self._noted_at >= _NOTE_EVERY:
            self._noted_at = now
            keys = [identity.reference for identity in identities if identity.by == "session"]
            UserSession.objects.filter(session_key__in=keys).update(last_seen_at=now)


def _facts(identities: set[Identity]) -> dict[Identity, object]:
    """Everything that decides about each of them; nothing for whoever has surely ended."""
    about = User.objects.filter(pk__in={identity.user.pk for identity in identities}).values_list(
        "pk", "password", "sessions_epoch", "is_active", "is_staff", "is_superuser"
    )
    people = {pk: rest for pk, *rest in about}
    references = {identity.reference for identity in identities}
    keys = [reference for reference in references if isinstance(reference, str)]
    ids = [reference for reference in references if isinstance(reference, int)]
    sessions = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    usable = PersonalAccessToken.objects.usable().filter(pk__in=ids)
    doors: dict[int | str, object] = dict(sessions.values_list("session_key", "session_data"))
    doors |= dict.fromkeys(usable.values_list("pk", flat=True))
    return {
        identity: (people[identity.user.pk], doors[identity.reference])
        for identity in identities
        if identity.user.pk in people and identity.reference in doors
    }
