"""Settings for gunicorn, which finds this file when it is started in this folder."""

import os
import sys

from app.config import Config, ConfigError

try:
    _config = Config.from_env()
except ConfigError as error:
    sys.exit(f"configuration error: {error}")

wsgi_app = "app.wsgi:app"
bind = f"0.0.0.0:{_config.port}"

# The items live in the memory of one process: a second worker would have its own list.
workers = 1
worker_class = "gthread"
threads = 8

# Requests in flight may finish, and we are gone before a container runtime loses patience (10 s).
graceful_timeout = 8
timeout = 30

# Nothing is written to the disk: the service runs on a read-only file system, without a HOME.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
control_socket_disable = True

accesslog = "-"
errorlog = "-"
loglevel = _config.log_level.lower()
