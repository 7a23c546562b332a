"""One HTTP request at a time, within limits of time and size, and to no address that it may not reach.

The address is checked that is connected to, so a name that resolves to another one at its second look-up
leads nowhere else. No proxy is used, for its answers come from wherever it likes.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from urllib.parse import urlsplit

from ragbraid.errors import LoadError

_BLOCK = 64 * 1024
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may take: seconds in all, bytes of its body, and whether it may stay in the house."""

    seconds: float
    size: int
    allow_private: bool


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered; `body` is empty where `wanted` didn't want it."""

    status: int
    headers: Message
    body: bytes = b""

    def header(self, name: str) -> str:
        """A header's value without the space around it; empty where there is none."""
        return str(self.headers.get(name) or "").strip()

    @property
    def location(self) -> str:
        """Where it leads; what servers write there beyond ASCII is UTF-8."""
        text = self.header("Location")
        try:
            return text.encode("latin-1").decode("utf-8")
        except UnicodeError:
            return text

    @property
    def media_type(self) -> str:
        """The type that it says it has, in lower case, such as `text/html`; empty where it says none."""
        return self.header("Content-Type").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str | None:
        """The charset that its `Content-Type` names."""
        found = self.headers.get_content_charset()
        return found if isinstance(found, str) else None


def get(
    url: str,
    headers: Mapping[str, str],
    limits: Limits,
    types: frozenset[str] | None = None,
    write: Callable[[bytes], object] | None = None,
) -> Response:
    """Ask for a URL; no redirect is followed. Of a type that isn't among `types` the body isn't read.

    The body is kept, or given to `write` in blocks.

    Raises `LoadError` where the server can't be reached, its address is private, or a limit is reached.
    """
    deadline = time.monotonic() + limits.seconds
    parts = urlsplit(url)
    try:
        sock = _opened(parts.scheme, parts.hostname or "", parts.port, limits, deadline)
    except ssl.SSLCertVerificationError as error:
        raise LoadError(f"Its certificate isn't trusted: {error.verify_message}.") from None
    except TimeoutError:
        raise _too_slow(limits) from None
    except OSError as error:
        raise LoadError(f"{parts.netloc} can't be reached: {_reason(error)}.", "Try again later.") from None
    connection = http.client.HTTPConnection(parts.netloc)
    connection.sock = _Timed(sock, deadline)
    try:
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        asked = {"Host": parts.netloc, "Accept-Encoding": "gzip, identity", "Connection": "close", **headers}
        connection.request("GET", target, headers=asked)
        answer = connection.getresponse()
        response = Response(answer.status, answer.headers)
        if answer.status != 200 or (types is not None and response.media_type not in types):
            return response
        return Response(answer.status, answer.headers, _body(answer, limits, write))
    except TimeoutError:
        raise _too_slow(limits) from None
    except http.client.IncompleteRead:
        raise LoadError("The server broke off before its end.", "Try again later.") from None
    except (http.client.HTTPException, OSError, ValueError) as error:
        raise LoadError(f"{parts.netloc} gives no proper answer: {_reason(error)}.") from None
    finally:
        sock.close()


def _body(answer: http.client.HTTPResponse, limits: Limits, write: Callable[[bytes], object] | None) -> bytes:
    parts: list[bytes] = []
    size = 0
    inflate = zlib.decompressobj(47) if answer.headers.get("Content-Encoding", "").lower() == "gzip" else None
    while block := answer.read(_BLOCK):
        if inflate is not None:
            try:
                block = inflate.decompress(block, limits.size + 1)
            except zlib.error as error:
                raise LoadError(f"It isn't compressed as it says ({error}).") from None
        (write or parts.append)(block)
        size += len(block)
        if size > limits.size:
            raise LoadError(f"It is larger than `max_mb` ({limits.size / 1e6:g} MB).", "Raise `max_mb`.")
    if answer.length or (inflate is not None and size and not inflate.eof):
        raise http.client.IncompleteRead(b"", answer.length or None)
    return b"".join(parts)


def _opened(scheme: str, host: str, port: int | None, limits: Limits, deadline: float) -> socket.socket:
    sock = _connected(host, port or (443 if scheme == "https" else 80), limits, deadline)
    if scheme != "https":
        return sock
    try:
        return ssl.create_default_context().wrap_socket(sock, server_hostname=host)
    except BaseException:
        sock.close()
        raise


def _connected(host: str, port: int, limits: Limits, deadline: float) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise LoadError(f"{host} is no name of a host.") from None
    allowed = [each for each in found if limits.allow_private or is_public(str(each[4][0]))]
    if not allowed:
        raise LoadError(
            f"{host} is in a private network ({found[0][4][0]}).",
            "Set `allow_private: true` to read what is in there.",
        )
    failure: OSError = TimeoutError()
    for family, kind, protocol, _, address in allowed:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_left(deadline))
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    raise failure


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet, also behind the forms in which IPv6 holds IPv4."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return inner.is_global and not inner.is_multicast
    return found.is_global and not found.is_multicast


class _Timed:
    """A socket whose every read and write ends at one deadline, however slowly the other side drips."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._socket = sock
        self._deadline = deadline

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(_left(self._deadline))
        self._socket.sendall(data)

    def makefile(self, *_: object, **__: object) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._socket, self._deadline))

    def close(self) -> None:
        """Nothing: an answer is read on after its connection counts as closed; `get` closes the socket."""


class _Reader(io.RawIOBase):
    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._socket = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        self._socket.settimeout(_left(self._deadline))
        return self._socket.recv_into(buffer)  # type: ignore[arg-type]  # a writable buffer, as io gives it


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _too_slow(limits: Limits) -> LoadError:
    return LoadError(
        f"It isn't answered within {limits.seconds:g} seconds.", "Try again, or raise `timeout`."
    )


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:200].lower().rstrip(".")
