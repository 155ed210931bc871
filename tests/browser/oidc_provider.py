"""A small OpenID provider on loopback: it asks nobody for a password, but for a click on who one is."""

import base64
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "the-hub", "secret-of-the-client-0123456789"


@dataclass
class Provider:
    """Where it is, and how: what Streamlit is told of it."""

    people: dict[str, dict[str, object]]
    address: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    asked: dict[str, tuple[str, str]] = field(default_factory=dict)

    def metadata(self) -> dict[str, object]:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }

    def question(self, query: dict[str, list[str]]) -> str:
        """The page that asks who one is: a link a person, back to the hub with a code."""
        links = []
        for name in self.people:
            code = secrets.token_hex(8)
            self.asked[code] = (name, query.get("nonce", [""])[0])
            back = f"{query['redirect_uri'][0]}?{urlencode({'code': code, 'state': query['state'][0]})}"
            links.append(f'<p><a href="{escape(back)}">{escape(name)}</a>')
        return f"<!doctype html><title>Who are you?</title>{''.join(links)}"

    def token(self, code: str) -> dict[str, object]:
        name, nonce = self.asked.pop(code)
        now = int(time.time())
        claims = {
            "iss": self.address, "aud": CLIENT, "sub": name, "iat": now, "exp": now + 300, "nonce": nonce,
            **self.people[name],
        }  # fmt: skip
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        return {"access_token": "unused", "token_type": "Bearer", "expires_in": 300, "id_token": signed}


@contextmanager
def serving(people: dict[str, dict[str, object]]) -> Iterator[Provider]:
    """Serve a provider of `people`, each with the claims that it makes of them."""
    provider = Provider(people)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            if address.path == "/authorize":
                self._answer(provider.question(parse_qs(address.query)), "text/html")
            elif address.path == "/keys":
                self._answer(json.dumps({"keys": [provider.key.as_dict(private=False)]}))
            else:
                self._answer(json.dumps(provider.metadata()))

        def do_POST(self) -> None:
            given = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
            if self.headers.get("Authorization") != f"Basic {basic}":
                self.send_error(401)
                return
            self._answer(json.dumps(provider.token(given["code"][0])))

        def _answer(self, body: str, kind: str = "application/json") -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Stay silent: the test's output is about the hub."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
