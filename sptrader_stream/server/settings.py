"""The server's settings: one typed record, from ``config/server.yaml`` and ``SPTRADER_*`` environment variables.

A variable's name is that of its setting in capitals behind ``SPTRADER_``; it goes before the file. ``PORT``, which
platforms set, counts where neither says anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec
import yaml
from msgspec import Meta

from sptrader_stream.decoding import convert
from sptrader_stream.errors import ConfigError, did_you_mean

PREFIX: Final = "SPTRADER_"

Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Bytes = Annotated[int, Meta(ge=1_024, le=2**31)]


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the server behaves; each is described in ``config/server.yaml``.

    Attributes:
        host: address to listen on; anything but loopback is for others to reach.
        port: to listen on; 0 for any that is free.
        allowed_origins: what browsers may come from, other than this server's own page.
        data_folders: where files of candles are looked for, in order; relative ones in the workspace.
        store_results: where results are stored beside the runs' folders.
        default_source: what stands in for a symbol that no file knows.
        max_running: runs at full speed at the same time; others wait.
        max_replays: runs beside them that are paused or keep to a pace.
        max_queued: runs that wait; one more is refused.
        batch_size: candles of one instrument in a batch.
        keep_runs: ended runs that are kept; the oldest go first.
        keep_days: how long ended runs are kept; 0 for ever.
        head_bytes, body_bytes: of a request, at most.
        head_seconds, body_seconds: until a request's head or body is there.
        idle_seconds: how long a connection may lie idle between requests.
        write_seconds: how long a peer may take nothing of what is written to it.
        max_connections: open connections of all kinds.
        max_websockets: websocket connections among them.
        max_message_bytes: of a client's websocket message.
        max_subscriptions: runs that one connection watches.
        ping_seconds: between pings; a peer that does not answer until the next one is gone.
        backlog_bytes: what may wait for a client that reads too slowly, before it is closed.
        updates_per_second: progress, metrics, candles and signals to a client, at most.
        shutdown_seconds: what is under way may take this long when the server is stopped.
        log_level: of what is logged to stderr.
        log_format: for people or for machines.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 3001
    allowed_origins: list[str] = msgspec.field(default_factory=list)
    data_folders: list[str] = msgspec.field(default_factory=lambda: ["data"])
    store_results: Literal["none", "database"] = "none"
    default_source: Literal["synthetic", "none"] = "synthetic"
    max_running: Annotated[int, Meta(ge=1, le=1_000)] = 8
    max_replays: Count = 200
    max_queued: Count = 1_000
    batch_size: Annotated[int, Meta(ge=1, le=65_536)] = 8_192
    keep_runs: Count = 1_000
    keep_days: Annotated[int, Meta(ge=0, le=36_500)] = 0
    head_bytes: Bytes = 16_384
    body_bytes: Bytes = 1_048_576
    head_seconds: Seconds = 10.0
    body_seconds: Seconds = 30.0
    idle_seconds: Seconds = 60.0
    write_seconds: Seconds = 20.0
    max_connections: Count = 4_096
    max_websockets: Count = 2_048
    max_message_bytes: Bytes = 65_536
    max_subscriptions: Count = 100
    ping_seconds: Seconds = 20.0
    backlog_bytes: Bytes = 8_388_608
    updates_per_second: Annotated[float, Meta(gt=0, le=20)] = 20.0
    shutdown_seconds: Seconds = 10.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"


def load_settings(
    file: Path | None, environment: Mapping[str, str], overrides: Mapping[str, object] | None = None
) -> ServerSettings:
    """Read the settings: the defaults, then the file, then the environment, then what the command line says.

    Args:
        file: YAML; None or a missing one says nothing.
        environment: variables of the process.
        overrides: by setting; None stands for nothing said.

    Raises:
        ConfigError: a setting is unknown or has a value that it can't have; names the file or the variable.
    """
    values: dict[str, object] = {}
    if "PORT" in environment:
        values["port"] = _read("PORT", environment["PORT"], "port")
    if file is not None and file.is_file():
        values |= {name: _checked(f"{file}: {name}", name, value) for name, value in _mapping(file).items()}
    for name in ServerSettings.__struct_fields__:
        variable = PREFIX + name.upper()
        if variable in environment:
            values[name] = _read(variable, environment[variable], name)
    for name, value in (overrides or {}).items():
        if value is not None:
            values[name] = _checked(f"--{name.replace('_', '-')}", name, value)
    return convert(values, ServerSettings)


def _mapping(file: Path) -> Mapping[str, object]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{file}: cannot be read: {' '.join(str(error).split())}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigError(f"{file}: expected settings, one a line, such as `port: 3001`")
    for name in content:
        if name not in ServerSettings.__struct_fields__:
            hint = did_you_mean(str(name), ServerSettings.__struct_fields__)
            raise ConfigError(f"{file}: {name}: there is no such setting{hint}")
    return content


def _kinds() -> dict[str, Any]:
    return get_type_hints(ServerSettings, include_extras=True)


def _read(variable: str, text: str, name: str) -> object:
    """Read a variable's text; a list is separated by commas."""
    kind = _kinds()[name]
    if get_origin(kind) is list:
        return [each.strip() for each in text.split(",") if each.strip()]
    return _checked(variable, name, text.strip())


def _checked(place: str, name: str, value: object) -> object:
    kind = _kinds()[name]
    try:
        return convert(value, kind, strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        plain = get_args(kind)[0] if get_origin(kind) is Annotated else kind
        wanted = (
            f"one of {', '.join(get_args(kind))}" if get_origin(kind) is Literal else getattr(plain, "__name__", "")
        )
        said = f"expected {wanted}" if get_origin(kind) is Literal else str(error)
        raise ConfigError(f"{place}: {value!r} will not do: {said}") from None
