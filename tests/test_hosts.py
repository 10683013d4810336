"""Which machine an address leads to, and which two addresses are one endpoint."""

import socket

import psutil
import pytest

from eval.hosts import endpoint_of, host_of

LOCAL = ["localhost", "127.0.0.1", "[::1]", "0.0.0.0", "LocalHost", "api.localhost", socket.gethostname()]


@pytest.mark.parametrize("name", LOCAL)
def test_every_name_of_this_machine_is_one_host(name: str) -> None:
    assert host_of(f"http://{name}:1/v1") == host_of("http://127.0.0.1:9/other")


def test_the_addresses_of_this_machines_own_network_are_this_machine() -> None:
    own = [a.address for its in psutil.net_if_addrs().values() for a in its if a.family == socket.AF_INET]
    assert own
    assert {host_of(f"http://{address}:80/v1") for address in own} == {host_of("http://127.0.0.1/v1")}


def test_ports_are_servers_of_one_host_and_hosts_are_told_apart() -> None:
    assert host_of("http://10.9.8.7:1/v1") == host_of("https://10.9.8.7:2/v1")
    assert host_of("https://a.example.com/v1") != host_of("https://b.example.com/v1")
    assert host_of("https://API.example.com/v1") == host_of("https://api.example.com/v2")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://localhost:5/v1", "http://127.0.0.1:5/v1/", True),
        ("https://api.example.com/v1", "https://api.example.com:443/v1", True),
        ("http://127.0.0.1:5/v1", "http://127.0.0.1:6/v1", False),
        ("http://127.0.0.1:5/azure/v1", "http://127.0.0.1:5/groq/v1", False),
        ("http://api.example.com/v1", "https://api.example.com/v1", False),
    ],
)
def test_an_endpoint_is_a_host_a_port_and_a_path(one: str, other: str, same: bool) -> None:
    assert (endpoint_of(one) == endpoint_of(other)) is same
