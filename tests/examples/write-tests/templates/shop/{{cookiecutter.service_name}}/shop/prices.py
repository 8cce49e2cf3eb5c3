"""What a basket costs."""

FREE_FROM = 50
SHIPPING = 5


def reduce_price(price, percent):
    """Return a price less a percentage, rounded to cents."""
    if not 0 <= percent <= 100:
        raise ValueError("a percentage lies between 0 and 100")
    part = price * percent / 100
    return round(price - part, 2)


def find_total(items):
    """Return what the items cost with shipping: pairs of a price and a number."""
    total = 0
    for price, number in items:
        if number < 0:
            raise ValueError("nobody buys less than nothing")
        total += price * number
    if total >= FREE_FROM or not items:
        return total
    else:
        return total + SHIPPING
