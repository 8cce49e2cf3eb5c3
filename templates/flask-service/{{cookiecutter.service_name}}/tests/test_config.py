import runpy
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from app.config import Config, ConfigError

ROOT = Path(__file__).parent.parent
DEFAULT_SERVICE_NAME = "{{ cookiecutter.service_name }}"
DEFAULT_PORT = {{ cookiecutter.port }}


def test_defaults() -> None:
    config = Config.from_env({})

    assert config.port == DEFAULT_PORT
    assert config.service_name == DEFAULT_SERVICE_NAME
    assert config.log_level == "INFO"
    assert config.greeting == "Hello!"


def test_the_environment_overrides_the_defaults() -> None:
    environ = {"PORT": "9999", "SERVICE_NAME": "other", "LOG_LEVEL": "debug", "GREETING": "Hi"}

    config = Config.from_env(environ)

    assert config == Config(port=9999, service_name="other", log_level="DEBUG", greeting="Hi")


@pytest.mark.parametrize("port", ["", "http", "0", "-1", "65536", "80.5", "1e3", "²"])
def test_a_bad_port_is_refused(port: str) -> None:
    with pytest.raises(ConfigError, match="PORT must be a whole number from 1 to 65535"):
        Config.from_env({"PORT": port})


def test_a_bad_log_level_is_refused() -> None:
    with pytest.raises(ConfigError, match="LOG_LEVEL must be one of DEBUG, INFO"):
        Config.from_env({"LOG_LEVEL": "loud"})


@pytest.mark.parametrize("variable", ["SERVICE_NAME", "GREETING"])
def test_a_text_must_not_be_blank_or_too_long(variable: str) -> None:
    with pytest.raises(ConfigError, match=f"{variable} must not be blank"):
        Config.from_env({variable: "   "})
    with pytest.raises(ConfigError, match=f"{variable} must not be longer"):
        Config.from_env({variable: "x" * 101})


def test_a_config_cannot_be_changed() -> None:
    config = Config.from_env({})

    with pytest.raises(FrozenInstanceError):
        config.port = 1  # type: ignore[misc]


def test_gunicorn_listens_on_the_configured_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "8123")

    settings = runpy.run_path(str(ROOT / "gunicorn.conf.py"))

    assert settings["bind"] == "0.0.0.0:8123"
