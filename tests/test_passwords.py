"""Passwords in addresses: hidden wherever they may stand, however odd the rest is."""

from itertools import product

import pytest

from lrsearch.passwords import described, redacted, without_secrets

USERS = ("me", "admin@srv", "a%40b", "", "a b", "d\\me", "x.y@z@w", "ümlaut")
PASSWORDS = ("tops3cret", "a@tops3cret", "a/tops3cret", "tops3cret?b", "a:tops3cret", "#tops3cret", "tops3cret%40x")
ODD = {f"postgresql://{user}:{password}@host:5432/db": password for user, password in product(USERS, PASSWORDS)}


def test_there_are_fifty_odd_addresses() -> None:
    """The two tests below would say nothing of an empty list."""
    assert len(ODD) > 50


@pytest.mark.parametrize("url", ODD)
def test_an_odd_address_is_shown_without_its_password(url: str) -> None:
    """Redacted up to the last @; host and database stay. Messages that quote the password hide it too."""
    assert "s3cret" not in redacted(url)
    assert redacted(url).endswith(":***@host:5432/db")
    assert "s3cret" not in without_secrets(f'could not connect to "{url}": {ODD[url]} is wrong', url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:////me:tops3cret@host/db",
        "postgresql+psycopg:///me:tops3cret@host/db",
        "postgresql://host/db?options=-c%20password%3Dtops3cret",
    ],
)
def test_a_misspelt_address_is_shown_without_its_password(url: str) -> None:
    """Too many slashes, and a password inside an option."""
    assert "s3cret" not in redacted(url)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////tmp/a:b@c.db",
        "sqlite:///a@b.db",
        "journal:////tmp/a:b@c.log",
        "postgresql://me@host:5432/db",
        "postgresql://me@srv@host/db",
        "grpc://127.0.0.1:13000",
    ],
)
def test_an_address_without_a_password_stays(url: str) -> None:
    """Files with an @ or a colon in their names, users without a password."""
    assert url == redacted(url)


@pytest.mark.parametrize("url", ["sqlite:///a.db", "sqlite:////tmp/a:b@c.db", "postgresql://me@host:5432/db"])
def test_an_address_without_a_password_is_shown_as_it_is(url) -> None:
    """Redaction changes nothing else."""
    assert url == redacted(url)


def test_an_error_of_other_code_is_described_without_the_passwords_in_it() -> None:
    """Its kind and what it says; one that cannot say anything does not hide it."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    said = described(OSError("cannot reach postgresql://me:tops3cret@srv/db (https://srv/a)"))
    assert "OSError: cannot reach postgresql://me:***@srv/db (https://srv/a)" == said
    assert ("KeyboardInterrupt", "Mute: it cannot say what it is") == (
        described(KeyboardInterrupt()),
        described(Mute()),
    )
