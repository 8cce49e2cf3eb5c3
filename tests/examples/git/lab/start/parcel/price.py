"""What it costs to send a parcel."""

from parcel import settings


def price(grams: int) -> int:
    """Return the price in cents."""
    if grams <= 0:
        raise ValueError("a parcel weighs something")
    steps = -(-grams // settings.STEP_GRAMS)
    return settings.BASE_CENTS + steps * settings.STEP_CENTS
