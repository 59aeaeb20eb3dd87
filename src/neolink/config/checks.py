"""Rules between tables of a valid configuration: names that clash, logins that cannot work."""

from collections import Counter
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network

from neolink.config.diagnostics import Diagnostic, Severity, quoted
from neolink.config.model import Config
from neolink.rtsp.auth import Scheme
from neolink.rtsp_server.settings import ANONYMOUS, ANYONE, TlsClientAuth

__all__ = ["check"]


def check(config: Config) -> list[Diagnostic]:
    """Everything to say about a configuration whose single values are all right."""
    return [
        *_camera_names(config),
        *_user_names(config),
        *_permissions(config),
        *_transport_security(config),
        *_reachability(config),
        *_groups(config),
    ]


def _camera_names(config: Config) -> Iterator[Diagnostic]:
    for index in _repeated(camera.name for camera in config.cameras):
        name = quoted(config.cameras[index].name)
        text = f"{name} is the name of another camera too; allowed: each name once"
        yield Diagnostic(Severity.ERROR, ("cameras", index, "name"), text)


def _user_names(config: Config) -> Iterator[Diagnostic]:
    for index in _repeated(user.name for user in config.users):
        text = f"{quoted(config.users[index].name)} is defined twice; the last one counts"
        yield Diagnostic(Severity.WARNING, ("users", index, "name"), text)
    for index, user in enumerate(config.users):
        if not user.password.get_secret_value():
            text = "without a password anybody who knows the name may watch"
            yield Diagnostic(Severity.WARNING, ("users", index), text)
    for index, name in enumerate(config.http.users if config.http else ()):
        if name not in _known(config):
            text = f"{quoted(name)} is not defined in [[users]]"
            yield Diagnostic(Severity.WARNING, ("http", "users", index), text)


def _permissions(config: Config) -> Iterator[Diagnostic]:
    known = _known(config) | {ANYONE, ANONYMOUS}
    for index, camera in enumerate(config.cameras):
        path = ("cameras", index, "permitted_users")
        for position, name in enumerate(camera.permitted_users or ()):
            if name not in known:
                text = f"{quoted(name)} is not defined in [[users]] and cannot log in"
                yield Diagnostic(Severity.WARNING, (*path, position), text)
        if not config.users and ANYONE in (camera.permitted_users or ()):
            text = '"anyone" without [[users]] lets everybody watch without a login'
            yield Diagnostic(Severity.WARNING, path, text)


def _transport_security(config: Config) -> Iterator[Diagnostic]:
    tls_port = config.rtsp.tls_port
    if tls_port and tls_port == config.bind_port:
        text = f"{tls_port} is `bind_port` too; allowed: another port, or 0 for `bind_port` itself"
        yield Diagnostic(Severity.ERROR, ("rtsp", "tls_port"), text)
    if tls_port and config.certificate is None:
        text = "without a `certificate` there is no TLS: nothing listens there"
        yield Diagnostic(Severity.WARNING, ("rtsp", "tls_port"), text)
    if config.tls_client_auth is not TlsClientAuth.NONE and config.certificate is None:
        text = "without a `certificate` there is no TLS, and everybody is let in"
        yield Diagnostic(Severity.NOTICE, ("tls_client_auth",), text)
    if config.tls_client_ca is not None and config.tls_client_auth is TlsClientAuth.NONE:
        text = 'nobody is asked for a certificate; add `tls_client_auth = "require"`'
        yield Diagnostic(Severity.NOTICE, ("tls_client_ca",), text)
    has_plain_port = config.certificate is None or bool(tls_port)
    if config.users and has_plain_port and Scheme.BASIC in config.rtsp.auth:
        text = 'with "basic" passwords are readable on the network where there is no TLS'
        yield Diagnostic(Severity.NOTICE, ("rtsp", "auth"), text)


def _reachability(config: Config) -> Iterator[Diagnostic]:
    for index, camera in enumerate(config.cameras):
        if camera.address is None and camera.enabled:
            text = "cameras are not yet found by `uid` alone; give an `address` too"
            yield Diagnostic(Severity.NOTICE, ("cameras", index, "uid"), text)


def _groups(config: Config) -> Iterator[Diagnostic]:
    table = config.rtsp.multicast
    needed = sum(len(camera.stream) for camera in config.cameras if camera.enabled)
    there = IPv4Network(table.range).num_addresses
    if table.enabled and needed > there:
        text = f"{there} addresses for {needed} streams; allowed: a range with one for each"
        yield Diagnostic(Severity.ERROR, ("rtsp", "multicast", "range"), text)


def _known(config: Config) -> set[str]:
    return {user.name for user in config.users}


def _repeated(names: Iterable[str]) -> Iterator[int]:
    seen: Counter[str] = Counter()
    for index, name in enumerate(names):
        seen[name] += 1
        if seen[name] > 1:
            yield index
