"""What a session can honestly say of itself: the browser's own claim, and the address it came from."""

import ipaddress

UNKNOWN = "Unknown device"
# The first that is found counts: most browsers also claim to be those further down.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Macintosh": "Mac",
    "Linux": "Linux",
}
_NAME_CHARACTERS_MAX = 60


def name(user_agent: str) -> str:
    """`Firefox on Linux`; what is not a browser is named by its own first word."""
    browser = next((label for mark, label in _BROWSERS.items() if mark in user_agent), "")
    system = next((label for mark, label in _SYSTEMS.items() if mark in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or user_agent.strip().split(" ", 1)[0][:_NAME_CHARACTERS_MAX] or UNKNOWN


def place(address: str) -> str:
    """No place on a map is looked up: that would tell somebody else who signs in where."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "Address unknown"
    if parsed.is_unspecified:  # behind a unix socket without a proxy, see `adapter.get_client_ip`
        return "Address unknown"
    if parsed.is_loopback:
        return "The server's own machine"
    return f"The local network, {parsed}" if parsed.is_private else f"The internet, {parsed}"
