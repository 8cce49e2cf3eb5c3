"""Numbers that the service goes by."""

STEP_GRAMS = 500
BASE_CENTS = 300
STEP_CENTS = 90

TIMEOUT_SECONDS = 30
WORKERS = 2
