"""A hub of our own on this machine: the few answers of the Hugging Face hub that loading a dataset needs.

Repositories are folders of bytes; a gated one refuses its files as the hub does, in status and headers.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Repo:
    """A dataset: path -> bytes, at one commit."""

    files: dict[str, bytes]
    gated: bool = False
    commit: str = "a" * 40
    asked: list[str] = field(default_factory=list)
    """Paths of files that were asked for."""


class SmallHub:
    """Repositories by id, and a server for them."""

    def __init__(self, repos: dict[str, Repo]) -> None:
        self.repos = repos
        self.requests: list[str] = []

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """(status, headers, body) for the path of a request."""
        self.requests.append(path)
        words = unquote(urlsplit(path).path).strip("/").split("/")
        about = words[:2] == ["api", "datasets"]
        name = "/".join(words[2:4] if about else words[1:3])
        repo = self.repos.get(name)
        if repo is None:
            return 404, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}, b""
        rest = words[4:] if about else words[3:]
        revision = rest[1] if len(rest) > 1 else "main"
        if revision not in ("main", repo.commit):
            return 404, {"X-Error-Code": "RevisionNotFound", "X-Error-Message": f"Invalid rev id: {revision}"}, b""
        if about:
            return self._about(name, repo, rest)
        return self._file(repo, "/".join(rest[2:]))

    def _about(self, name: str, repo: Repo, rest: list[str]) -> tuple[int, dict[str, str], bytes]:
        if not rest or rest[0] == "revision":
            siblings = [{"rfilename": path} for path in repo.files]
            return self._json(
                {"id": name, "sha": repo.commit, "gated": "auto" if repo.gated else False, "siblings": siblings}
            )
        if rest[0] == "tree":
            return self._json(self._tree(repo, "/".join(rest[2:])))
        return 404, {}, b"{}"

    @staticmethod
    def _tree(repo: Repo, under: str) -> list[dict[str, Any]]:
        prefix = f"{under}/" if under else ""
        entries: dict[str, dict[str, Any]] = {}
        for path, data in repo.files.items():
            if path.startswith(prefix):
                folder = path[len(prefix) :].split("/")[:-1]
                for depth in range(1, len(folder) + 1):
                    at = prefix + "/".join(folder[:depth])
                    entries[at] = {"type": "directory", "path": at, "oid": "0" * 40, "size": 0}
                entries[path] = {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
        return list(entries.values())

    @staticmethod
    def _json(value: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()

    @staticmethod
    def _file(repo: Repo, path: str) -> tuple[int, dict[str, str], bytes]:
        repo.asked.append(path)
        if repo.gated:
            return 401, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to this dataset is restricted"}, b""
        if path not in repo.files:
            return (
                404,
                {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found", "X-Repo-Commit": repo.commit},
                b"",
            )
        data = repo.files[path]
        headers = {
            "ETag": f'"{hashlib.sha1(data).hexdigest()}"',
            "X-Repo-Commit": repo.commit,
            "Accept-Ranges": "bytes",
        }
        return 200, headers, data


@contextmanager
def serving(hub: SmallHub) -> Iterator[str]:
    """Serve a hub; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = hub.answer(self.path)
            wanted = self.headers.get("Range")
            if wanted and status == 200:
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                whole, start = len(body), int(first)
                stop = min(int(last) + 1, whole) if last else whole
                headers["Content-Range"] = f"bytes {start}-{stop - 1}/{whole}"
                status, body = 206, body[start:stop]
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
