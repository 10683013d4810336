"""Addresses and keys of endpoints: which are refused, with an example and without showing a secret."""

import pytest
from asked import KEY
from pydantic import ValidationError

from eval.chat import Endpoint, EndpointError
from eval.endpoint import EndpointClient


def test_a_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, "", "  "):
        monkeypatch.delenv("NO_SUCH_KEY", raising=False)
        if value is not None:
            monkeypatch.setenv("NO_SUCH_KEY", value)
        with pytest.raises(EndpointError, match=r"NO_SUCH_KEY.*is not set"):
            EndpointClient(Endpoint(url="http://127.0.0.1/v1", api_key_env="NO_SUCH_KEY"))


@pytest.mark.parametrize("value", ["clé-secret", "one\ntwo", "“quoted”"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ODD_KEY", value)
    with pytest.raises(EndpointError, match="ODD_KEY holds characters") as caught:
        EndpointClient(Endpoint(url="http://127.0.0.1/v1", api_key_env="ODD_KEY"))
    assert value not in str(caught.value)


@pytest.mark.parametrize("key", [KEY, "my key", "$KEY", ""])
def test_a_key_in_the_place_of_its_variable_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ValidationError, match="never the key itself") as caught:
        Endpoint(url="http://127.0.0.1/v1", api_key_env=key)
    assert not key or key not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:5273/v1",
        "127.0.0.1/v1",
        "ftp://host/v1",
        "http://",
        "http:///v1",
        "http://host:port/v1",
        "http://host:99999/v1",
        "http://host:0/v1",
        "http://[::1/v1",
        "http://two words/v1",
        "http://host/v1\x00",
    ],
)
def test_what_is_no_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(ValidationError, match=r"is not an address; write it like http://127\.0\.0\.1:5273/v1"):
        Endpoint(url=url)


@pytest.mark.parametrize(
    "url", ["http://u:hunter2@host/v1", "ftp://u:hunter2@host", "hunter2@host/v1", "http://hunter2@h"]
)
def test_credentials_in_an_address_are_refused_without_showing_them(url: str) -> None:
    with pytest.raises(ValidationError, match="holds credentials") as caught:
        Endpoint(url=url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://host/v1?api-version=hunter2", "http://host/v1#hunter2"])
def test_what_would_be_lost_of_an_address_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="would be lost") as caught:
        Endpoint(url=url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" http://127.0.0.1:5273/v1/ ", "http://127.0.0.1:5273/v1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://api.example.com/openai/v1", "https://api.example.com/openai/v1"),
    ],
)
def test_addresses_are_kept_in_one_form(written: str, kept: str) -> None:
    assert Endpoint(url=written).url == kept
