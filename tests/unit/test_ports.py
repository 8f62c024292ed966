"""A port in use names its owner."""

import os
import socket

import pytest

from main.errors import ConfigurationError, PortInUse
from main.telemetry.ports import ensure_free, is_free, port_owner


def test_a_port_in_use_names_port_owner_and_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert not is_free("127.0.0.1", port)
        assert f"pid {os.getpid()}" in (port_owner(port) or "")
        with pytest.raises(PortInUse, match=rf"port {port} is in use by .*pid {os.getpid()}.* with WORKER_PORT"):
            ensure_free("127.0.0.1", port, setting="WORKER_PORT")


def test_a_server_on_all_addresses_holds_the_port_on_each() -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        assert not is_free("127.0.0.1", taken.getsockname()[1])


def test_a_closed_port_is_free_and_nobodys() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert is_free("127.0.0.1", port)
    assert port_owner(port) is None
    ensure_free("localhost", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_is_a_mistake_of_the_settings(host: str) -> None:
    with pytest.raises(ConfigurationError, match=host):
        ensure_free(host, 50_000)
