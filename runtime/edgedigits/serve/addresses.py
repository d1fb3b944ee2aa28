"""The addresses at which a service answers: those of this machine, asked from its kernel; nothing is sent."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

# Of rtnetlink(7) and netlink(7), which Python names only in part.
_NETLINK_ROUTE, _NEW_ADDRESS, _GET_ADDRESS, _DONE, _ERROR, _REQUEST_ALL = 0, 20, 22, 3, 2, 0x301
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_MESSAGE, _ABOUT, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=BBBBI"), struct.Struct("=HH")
_LENGTHS = {socket.AF_INET: 4, socket.AF_INET6: 16}
_PATIENCE_S = 1.0
Address = IPv4Address | IPv6Address


def urls_of(listening: socket.socket) -> list[str]:
    """Return the URLs under which a browser finds a listening socket, that for this machine itself first."""
    host, port = listening.getsockname()[:2]
    if not ip_address(host.partition("%")[0]).is_unspecified:
        return [_url(host, port)]
    versions = {4} if listening.family == socket.AF_INET else {6} if _is_only_6(listening) else {4, 6}
    others = [str(one) for one in local_addresses() if one.version in versions]
    return [_url(one, port) for one in ("localhost", *others)]


def local_addresses() -> list[Address]:
    """Return the addresses of this machine in its networks, IPv4 first.

    Those of the loopback are left out, and those of one link, which need the name of an interface beside them.
    """
    try:
        found = list(_of_kernel())
    except (OSError, AttributeError, struct.error):  # another system, or a sandbox without AF_NETLINK
        found = _of_name()
    told = {one for one in found if not (one.is_loopback or one.is_link_local or one.is_unspecified)}
    return sorted(filter(_is_up, told), key=lambda one: (one.version, int(one)))


def _of_kernel() -> Iterator[Address]:
    """Yield all addresses of all interfaces, as Linux lists them."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE) as kernel:
        kernel.settimeout(_PATIENCE_S)
        about = _ABOUT.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
        kernel.send(_MESSAGE.pack(_MESSAGE.size + len(about), _GET_ADDRESS, _REQUEST_ALL, 1, 0) + about)
        while True:
            data = kernel.recv(1 << 16)
            while data:
                length, kind, *_ = _MESSAGE.unpack_from(data)
                if kind in {_DONE, _ERROR}:
                    return
                if kind == _NEW_ADDRESS:
                    yield from _address(data[_MESSAGE.size : length])
                data = data[_aligned(length) :]


def _address(message: bytes) -> Iterator[Address]:
    """Yield the address in one message: its own one, where the other end of a link has one as well."""
    size, found = _LENGTHS.get(_ABOUT.unpack_from(message)[0]), {}
    message = message[_ABOUT.size :]
    while len(message) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(message)
        found[kind] = message[_ATTRIBUTE.size : length]
        message = message[max(_ATTRIBUTE.size, _aligned(length)) :]
    own = found.get(_IFA_LOCAL, found.get(_IFA_ADDRESS, b""))
    if len(own) == size:
        yield ip_address(own)


def _of_name() -> list[Address]:
    """Return the addresses that the name of this machine has, where no kernel lists them."""
    try:
        found = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [ip_address(str(address[0]).partition("%")[0]) for *_, address in found]


def _is_up(address: Address) -> bool:
    """Return whether the interface of an address is up: only then something can listen at it."""
    try:
        with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def _is_only_6(listening: socket.socket) -> bool:
    return bool(listening.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))


def _aligned(length: int) -> int:
    return (length + 3) & ~3


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
