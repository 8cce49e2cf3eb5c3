"""Settings, read from the environment once and checked before anything starts."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

DEFAULT_SERVICE_NAME = "{{ cookiecutter.service_name }}"
DEFAULT_PORT = "{{ cookiecutter.port }}"
DEFAULT_LOG_LEVEL = "INFO"
DEFAULT_GREETING = "Hello!"

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MAX_TEXT_LENGTH = 100


class ConfigError(ValueError):
    """An environment variable has a value that the service cannot work with."""


@dataclass(frozen=True, slots=True)
class Config:
    port: int
    service_name: str
    log_level: str
    greeting: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        return cls(
            port=_port(environ.get("PORT", DEFAULT_PORT)),
            service_name=_text("SERVICE_NAME", environ.get("SERVICE_NAME", DEFAULT_SERVICE_NAME)),
            log_level=_log_level(environ.get("LOG_LEVEL", DEFAULT_LOG_LEVEL)),
            greeting=_text("GREETING", environ.get("GREETING", DEFAULT_GREETING)),
        )


def _port(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 5 and 1 <= int(value) <= 65535):
        raise ConfigError(f"PORT must be a whole number from 1 to 65535, not {value!r}")
    return int(value)


def _log_level(value: str) -> str:
    level = value.upper()
    if level not in LOG_LEVELS:
        raise ConfigError(f"LOG_LEVEL must be one of {', '.join(LOG_LEVELS)}, not {value!r}")
    return level


def _text(variable: str, value: str) -> str:
    text = value.strip()
    if not text:
        raise ConfigError(f"{variable} must not be blank")
    if len(text) > MAX_TEXT_LENGTH:
        raise ConfigError(f"{variable} must not be longer than {MAX_TEXT_LENGTH} characters")
    return text
