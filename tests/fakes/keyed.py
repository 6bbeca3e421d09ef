"""A provider that lists its models for one key only, and quotes the key it refuses."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

_HEADERS = ("authorization", "x-api-key", "x-goog-api-key")


class KeyedProvider:
    """`keys` are the good ones; `said` is the message of a refusal, with {key} for the one that came.

    `models` is what it lists; `status` answers everybody in the same way.
    """

    def __init__(self, *keys: str) -> None:
        self.keys = set(keys)
        self.models = ["gpt-4o-mini", "embed-3", "house-model"]
        self.said = "Incorrect API key provided: {key}. See your account."
        self.status = 0
        self.came: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/v1"

    def answer(self, key: str) -> tuple[int, object]:
        self.came.append(key)
        if self.status:
            return self.status, {"error": {"message": self.said.format(key=key)}}
        if self.keys and key not in self.keys:
            return 401, {"error": {"message": self.said.format(key=key), "code": "invalid_api_key"}}
        return 200, {"object": "list", "data": [{"id": name} for name in self.models]}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                sent = next((self.headers[name] for name in _HEADERS if name in self.headers), "")
                status, body = provider.answer(sent.removeprefix("Bearer "))
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
