"""What goes through litellm: it stays on the guarded transport, and its ends are read from the wire."""

import socket

import pytest

from betterchat.core.errors import ErrorCode
from providers.events import Finished, FinishReason, TextDelta
from providers.litellm_names import CARRIED
from providers.models import Provider
from tests.fakes.upstream import FakeUpstream
from tests.providers.conftest import a_route, asked

pytestmark = pytest.mark.usefixtures("_sessions")


@pytest.mark.parametrize("name", sorted(CARRIED))
async def test_every_name_keeps_to_the_endpoint(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    dialled: set[object] = set()
    connect = socket.socket.connect

    def noted(self: socket.socket, address: tuple[str, int]) -> None:
        dialled.add(address)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", noted)
    route = a_route(upstream, f"{name}/hello", provider=Provider.LITELLM)
    events, error = await asked(route)
    assert error is None
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Hello, world!"
    assert events[-1] == Finished(FinishReason.STOP)
    assert dialled == {("127.0.0.1", upstream.port)}


@pytest.mark.parametrize("name", ["bedrock", "vertex_ai", "never_heard_of"])
async def test_a_name_that_makes_clients_of_its_own_is_not_called(upstream: FakeUpstream, name: str) -> None:
    _, error = await asked(a_route(upstream, f"{name}/hello", provider=Provider.LITELLM))
    assert error is not None
    assert error.code is ErrorCode.PROVIDER_MODEL_NOT_FOUND
    assert upstream.calls == []
