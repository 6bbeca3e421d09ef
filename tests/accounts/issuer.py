"""A small OpenID Connect issuer over real HTTP, which says of people what a test tells it to."""

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt

CLIENT_ID, CLIENT_SECRET = "betterchat", "issuer secret"


class Issuer:
    def __init__(self) -> None:
        self.claims: dict[str, object] = {}
        self.audience = CLIENT_ID
        self.refuses = False
        self.codes: dict[str, dict[str, str]] = {}
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> "Issuer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join(10)

    def authorise(self, asked: dict[str, str]) -> str:
        """Where the browser goes after the person has agreed."""
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, asked: dict[str, str]) -> dict[str, object] | None:
        given = self.codes.pop(asked.get("code", ""), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(asked.get("code_verifier", "").encode()).digest())
        if self.refuses or given is None or proof.rstrip(b"=").decode() != given["code_challenge"]:
            return None
        if asked.get("client_secret") != CLIENT_SECRET:
            return None
        about = {"iss": self.url, "aud": self.audience, "exp": time.time() + 60, "iat": time.time()}
        token = jwt.encode({**about, **self.claims}, "x" * 32, algorithm="HS256")
        return {"access_token": "access", "token_type": "Bearer", "id_token": token}


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path)
            if path.path == "/.well-known/openid-configuration":
                ends = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
                ends |= {"userinfo_endpoint": "userinfo", "jwks_uri": "jwks"}
                addresses = {name: f"{issuer.url}/{end}" for name, end in ends.items()}
                methods = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
                self._answer({"issuer": issuer.url, **addresses, **methods})
            elif path.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", issuer.authorise(_flat(path.query)))
                self.end_headers()
            elif path.path == "/userinfo":
                self._answer(issuer.claims)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            answer = issuer.token(_flat(body))
            self._answer(answer or {"error": "invalid_grant"}, status=200 if answer else 400)

        def _answer(self, content: dict[str, object], status: int = 200) -> None:
            raw = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
