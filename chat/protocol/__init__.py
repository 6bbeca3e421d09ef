"""The websocket protocol: one typed source for server, browser, programs and PROTOCOL.md."""
