"""A small service that keeps a list of items."""

from flask import Flask

from app import health, index, items
from app.config import Config
from app.errors import register_error_handlers
from app.store import ItemStore

__all__ = ["create_app"]

MAX_BODY_BYTES = 64 * 1024


def create_app(config: Config | None = None) -> Flask:
    """Build the application; without a config it is read from the environment."""
    config = config or Config.from_env()
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.logger.setLevel(config.log_level)
    app.extensions["config"] = config
    app.extensions["item_store"] = ItemStore()
    register_error_handlers(app)
    app.register_blueprint(index.bp)
    app.register_blueprint(health.bp)
    app.register_blueprint(items.bp)
    return app
