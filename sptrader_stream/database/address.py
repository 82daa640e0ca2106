"""Where the database is: the variable ``DATABASE_URL``, and how an address is named without its password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sptrader_stream.errors import ConfigError

VARIABLE: Final = "DATABASE_URL"
_EXAMPLE: Final = "postgresql://USER:PASSWORD@HOST:5432/DATABASE"
_PREFIXES: Final = ("postgresql://", "postgres://")
# Seconds. libpq itself would wait for minutes for a host that does not answer, and for hours for one that went away.
_DEFAULTS: Final = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "application_name": "sptrader",
}


def database_url(environment: Mapping[str, str]) -> str:
    """Read where the database is.

    Args:
        environment: variables of the process.

    Raises:
        ConfigError: ``DATABASE_URL`` is not set.
    """
    url = environment.get(VARIABLE, "").strip()
    if not url:
        raise ConfigError(f"{VARIABLE} is not set: give the database's address, such as {VARIABLE}={_EXAMPLE}")
    return url


def connection_parameters(url: str) -> dict[str, str]:
    """Split an address into what libpq takes, the project's defaults included.

    Raises:
        ConfigError: it is not an address; nothing of it is repeated, because its password may be anywhere in it.
    """
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    wrong = ConfigError(
        f"{VARIABLE} is not the address of a PostgreSQL database: expected {_EXAMPLE}, where special characters of "
        "the password are written as %40 for @, %2F for / and so on"
    )
    if not url.startswith(_PREFIXES):
        raise wrong
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        raise wrong from None
    parameters = _DEFAULTS | {name: str(value) for name, value in given.items() if value is not None}
    # A password with an @ or / in it that is not written as %40 or %2F ends up in the host, port or database.
    ports = parameters.get("port", "").replace(",", "")
    if any("@" in parameters.get(name, "") for name in ("host", "dbname")) or not (ports.isdigit() or not ports):
        raise wrong
    return parameters


def describe_address(parameters: Mapping[str, str]) -> str:
    """Name the database and its host: ``database trading at db.example.org:5432``."""
    host = parameters.get("host", "the local socket")
    port = f":{parameters['port']}" if "port" in parameters else ""
    database = parameters.get("dbname") or parameters.get("user") or ""
    return f"database {database} at {host}{port}" if database else f"the database at {host}{port}"
