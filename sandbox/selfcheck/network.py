"""Network: a run has a loopback of its own and nothing else, of any family."""

from __future__ import annotations

import secrets
import socket
from contextlib import ExitStack, suppress
from typing import Final

from sandbox.contract import Backend, Job
from sandbox.selfcheck.check import ROOMY, Check, breaches, contained, run

__all__ = ["CHECKS"]

_CONNECT: Final = """
import socket
try:
    s = socket.socket(FAMILY, socket.SOCK_STREAM)
    s.settimeout(2)
    s.connect(ADDRESS)
    print("connected to", ADDRESS)
except OSError:
    pass
print("end")
"""

# 192.0.2.0/24 and 2001:db8::/32 are set aside for examples: nothing is there.
_OUTSIDE: Final = """
import socket
for family, address in (
    (socket.AF_INET, "192.0.2.1"), (socket.AF_INET, "255.255.255.255"),
    (socket.AF_INET, "224.0.0.251"), (socket.AF_INET, "169.254.169.254"),
    (socket.AF_INET6, "2001:db8::1"), (socket.AF_INET6, "ff02::1"),
):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        try:
            s = socket.socket(family, kind)
            s.settimeout(1)
            if kind == socket.SOCK_DGRAM:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            # Of a datagram socket this looks for a route, and sends nothing.
            s.connect((address, 53))
        except TimeoutError:
            pass
        except OSError:
            continue
        print("a route to", address, kind.name)
print("end")
"""

_NAMES: Final = """
import socket
for name in ("example.com", "one.one.one.one"):
    try:
        print(name, socket.getaddrinfo(name, 80)[0][4])
    except OSError:
        pass
print("end")
"""

_INTERFACES: Final = """
import os, socket
try:
    names = {name for _, name in socket.if_nameindex()}
except OSError:
    names = set()
if os.path.exists("/proc/net/dev"):
    names |= {line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line}
# The kernel puts these into every namespace, down and without an address.
idle = {"tunl0", "sit0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6tnl0", "ip6gre0"}
for name in names - idle - {"lo"}:
    print(name)
for path in ("/proc/net/route", "/proc/net/arp"):
    if os.path.exists(path):
        for line in open(path).read().splitlines()[1:]:
            print(line)
print("end")
"""

_FAMILIES: Final = """
import socket
USUAL = {socket.AF_UNSPEC, socket.AF_UNIX, socket.AF_INET, socket.AF_INET6}
for family in range(48):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET):
        if family in WANTED and family not in USUAL:
            try:
                socket.socket(family, kind, 0).close()
            except OSError:
                continue
            print("family", family, kind.name)
print("end")
"""

_RAW: Final = """
import socket
for family, protocol in ((socket.AF_INET, 1), (socket.AF_INET, 255), (socket.AF_INET6, 58)):
    try:
        socket.socket(family, socket.SOCK_RAW, protocol).close()
    except OSError:
        continue
    print("raw socket", family, protocol)
print("end")
"""


def _listening(family: int, address: str | tuple[str, int]) -> socket.socket | None:
    """A TCP or unix socket that answers; None where this host has none of the family."""
    with suppress(OSError), ExitStack() as stack:
        listening = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
        listening.bind(address)
        listening.listen()
        stack.pop_all()
        return listening
    return None


def _reach(backend: Backend, family: int, address: str | tuple[str, int]) -> str | None:
    listening = _listening(family, address)
    if listening is None:
        return None
    with listening:
        bound = listening.getsockname()
        address = bound[:2] if isinstance(bound, tuple) else bound.decode()
        source = f"FAMILY, ADDRESS = {int(family)}, {address!r}\n{_CONNECT}"
        return breaches(run(backend, Job(source=source, limits=ROOMY)))


def _tcp(backend: Backend) -> str | None:
    return _reach(backend, socket.AF_INET, ("127.0.0.1", 0))


def _tcp6(backend: Backend) -> str | None:
    return _reach(backend, socket.AF_INET6, ("::1", 0))


def _abstract(backend: Backend) -> str | None:
    name = f"\0touchstone-{secrets.token_hex(6)}"
    return _reach(backend, socket.AF_UNIX, name)


def _udp(backend: Backend) -> str | None:
    source = """
import socket
try:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", ADDRESS)
except OSError:
    pass
print("end")
"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.1)
        address = listening.getsockname()
        ending = run(backend, Job(source=f"ADDRESS = {address!r}\n{source}", limits=ROOMY))
        with suppress(TimeoutError):
            return f"this host got {listening.recv(99)!r} by UDP"
    return breaches(ending)


def _families(*wanted: int) -> str:
    return f"WANTED = {wanted!r}\n{_FAMILIES}"


CHECKS: Final = (
    Check("tcp to the host", "network", _tcp, "A TCP server of the host cannot be reached."),
    Check("tcp over ipv6", "network", _tcp6, "A TCP server of the host cannot be reached by IPv6."),
    Check("udp to the host", "network", _udp, "A UDP socket of the host gets nothing."),
    Check(
        "abstract socket of the host",
        "network",
        _abstract,
        "An abstract unix socket of the host cannot be reached.",
    ),
    Check("network outside", "network", contained(_OUTSIDE), "Nothing outside has a route."),
    Check("names resolved", "network", contained(_NAMES), "No name server answers."),
    Check("interfaces", "network", contained(_INTERFACES), "There is no interface but loopback."),
    Check("vsock", "seccomp", contained(_families(40)), "No socket reaches the hypervisor."),
    Check("netlink", "seccomp", contained(_families(16)), "No socket speaks to the kernel."),
    Check("packet sockets", "seccomp", contained(_families(17)), "No socket takes whole packets."),
    Check(
        "other socket families",
        "seccomp",
        contained(_families(*sorted({*range(48)} - {16, 17, 40}))),
        "Of all families there are unix and internet sockets only.",
    ),
    Check("raw sockets", "capabilities", contained(_RAW), "No socket speaks raw IP."),
)
