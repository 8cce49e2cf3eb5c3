"""The front page: which service this is, in which version."""

from flask import Blueprint, current_app

from app.config import Config
from app.version import __version__

bp = Blueprint("index", __name__)


@bp.get("/")
def index() -> dict[str, str]:
    config: Config = current_app.extensions["config"]
    return {
        "service": config.service_name,
        "version": __version__,
        "greeting": config.greeting,
    }
