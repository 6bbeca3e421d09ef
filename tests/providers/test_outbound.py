"""Which addresses are dialled. The table holds spellings that block-lists of strings are known to miss."""

from collections.abc import Iterator

import aiohttp
import pytest

from betterchat.core.outbound import AddressRefusedError, check_url, fetch, may_dial
from tests.fakes.upstream import FakeUpstream

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"]
PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fc00::1",
    "fd12:3456::1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:10.0.0.1",
]
NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "::",
    "169.254.169.254",
    "169.254.1.1",
    "::ffff:169.254.169.254",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "::ffff:168.63.129.16",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::7f00:1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2001::1",
    "2001:db8::1",
    "3fff::1",
    "100::1",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
    "not an address",
    "",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_dialled(address: str) -> None:
    assert may_dial(address, allow_private=False)
    assert may_dial(address, allow_private=True)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_need_permission(address: str) -> None:
    assert not may_dial(address, allow_private=False)
    assert may_dial(address, allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_dialled(address: str) -> None:
    assert not may_dial(address, allow_private=False)
    assert not may_dial(address, allow_private=True)


HOSTS = [
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "017700000001",
    "127.0.0.1.",
    "localhost",
    "LOCALHOST.",
    "127。0。0。1",
    "①②⑦.0.0.1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "0",
    "0.0.0.0",
    "[::]",
]


@pytest.fixture(scope="module")
def listening() -> Iterator[FakeUpstream]:
    with FakeUpstream() as fake:
        yield fake


@pytest.mark.parametrize("host", HOSTS)
async def test_no_spelling_reaches_this_machine(listening: FakeUpstream, host: str) -> None:
    with pytest.raises((AddressRefusedError, aiohttp.ClientError, ValueError)):
        await fetch(f"http://{host}:{listening.port}/v1/models", allow_private=False, total_seconds=5)
    assert listening.calls == []


async def test_with_permission_it_is_reached(listening: FakeUpstream) -> None:
    fetched = await fetch(f"{listening.openai_url}/models", allow_private=True)
    assert fetched.status == 200
    listening.calls.clear()


async def test_a_large_answer_is_not_read_to_its_end(listening: FakeUpstream) -> None:
    with pytest.raises(ValueError, match="larger"):
        await fetch(f"{listening.openai_url}/models", allow_private=True, max_bytes=100)
    listening.calls.clear()


NO_ADDRESSES = [
    "",
    "example.org",
    "ftp://example.org",
    "file:///etc/passwd",
    "http://",
    "javascript:alert(1)",
]
NO_ADDRESSES += ["http://a:b@example.org", "http://example.org/?key=1", "http://example.org/#x"]
NO_ADDRESSES += ["http://example.org:99999"]


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_what_is_no_address_of_an_endpoint_is_told(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_url(url)
