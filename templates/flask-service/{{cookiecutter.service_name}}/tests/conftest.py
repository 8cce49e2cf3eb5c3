import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.config import Config


@pytest.fixture
def app() -> Flask:
    config = Config.from_env({"SERVICE_NAME": "service-under-test", "GREETING": "Welcome!"})
    return create_app(config)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
