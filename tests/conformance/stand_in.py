"""A stand-in for a model provider on loopback, which answers every chat at once and keeps what it was asked."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = "stand-in/ok"


@dataclass(slots=True)
class StandIn:
    """`asked` holds, per call, the content of the last three messages as JSON. While `hang` is set, no call is
    answered."""

    url: str = ""
    asked: list[str] = field(default_factory=list)
    hang: bool = False

    @property
    def config(self) -> dict[str, Any]:
        """The sections of openclaw.json that name it."""
        model = {
            "id": "ok",
            "name": "ok",
            "reasoning": False,
            "input": ["text"],
            "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
            "contextWindow": 100_000,
            "maxTokens": 1_000,
        }
        provider = {"baseUrl": self.url, "apiKey": "k", "api": "openai-completions", "models": [model]}
        return {"models": {"providers": {"stand-in": provider}}}


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """One that runs for as long as the block does."""
    state = StandIn()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


def _handler(state: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self._send("application/json", json.dumps({"object": "list", "data": [{"id": "ok"}]}).encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
            state.asked.append(_last(body))
            while state.hang:
                time.sleep(0.2)
            self._send(*_answer(stream=bool(body.get("stream"))))

        def _send(self, kind: str, data: bytes) -> None:
            try:
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                self.close_connection = True

    return Handler


def _last(body: dict[str, Any]) -> str:
    return json.dumps([message.get("content") for message in (body.get("messages") or [])[-3:]])


def _answer(*, stream: bool) -> tuple[str, bytes]:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    said = {"role": "assistant", "content": "Done."}
    common = {"id": "x", "created": int(time.time()), "model": "ok"}
    if not stream:
        choice = {"index": 0, "message": said, "finish_reason": "stop"}
        return "application/json", json.dumps(
            common | {"object": "chat.completion", "choices": [choice], "usage": usage}
        ).encode()
    parts = [
        common | {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": said, "finish_reason": None}]},
        common
        | {
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
            "usage": usage,
        },
    ]
    lines = "".join(f"data: {json.dumps(part)}\n\n" for part in parts)
    return "text/event-stream", (lines + "data: [DONE]\n\n").encode()
