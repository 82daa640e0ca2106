"""Where the database is: every mistake is told, and no password ever."""

from __future__ import annotations

import pytest

from sptrader_stream.database.address import connection_parameters, database_url, describe_address
from sptrader_stream.database.connection import connect
from sptrader_stream.errors import ConfigError

SECRET = "s3cret"


def test_the_address_is_that_of_the_variable() -> None:
    assert database_url({"DATABASE_URL": " postgres://me@db/trading\n"}) == "postgres://me@db/trading"


@pytest.mark.parametrize("environment", [{}, {"DATABASE_URL": ""}, {"DATABASE_URL": "  "}])
def test_without_an_address_it_is_said_how_to_give_one(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"DATABASE_URL is not set: .*DATABASE_URL=postgresql://USER:PASSWORD@HOST"):
        database_url(environment)


def test_what_libpq_takes_goes_to_libpq() -> None:
    found = connection_parameters("postgres://me:pass%40word@db.example.org:5433/trading?sslmode=require")
    expected = {"user": "me", "password": "pass@word", "host": "db.example.org", "port": "5433", "dbname": "trading"}
    assert found.items() >= (expected | {"sslmode": "require"}).items()
    assert describe_address(found) == "database trading at db.example.org:5433"


def test_a_host_that_does_not_answer_is_not_waited_for_without_end() -> None:
    assert connection_parameters("postgresql://db/x")["connect_timeout"] == "10"
    assert connection_parameters("postgresql://db/x?connect_timeout=3")["connect_timeout"] == "3"


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://me:{SECRET}@db/trading",
        f"postgresql+psycopg://me:{SECRET}@db/trading",
        f"host=db password={SECRET}",
        # Special characters of the password as they are: libpq's own message would repeat the rest of it.
        f"postgresql://me:a/{SECRET}@db/trading",
        f"postgresql://me:a@{SECRET}@db/trading",
        f"postgresql://me:{SECRET}@db:port/trading",
        f"postgresql://me@db/trading?passwort={SECRET}",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigError, match=r"is not the address .* %40 for @") as caught:
        connect(url)
    assert SECRET not in str(caught.value)


def test_a_server_that_is_not_there_is_named_without_the_password() -> None:
    # Nothing listens on port 1.
    with pytest.raises(ConfigError) as caught:
        connect(f"postgresql://me:{SECRET}@127.0.0.1:1/trading")
    message = str(caught.value)
    assert message.startswith("cannot connect to database trading at 127.0.0.1:1: ")
    assert "Check that the server runs" in message
    assert SECRET not in message
