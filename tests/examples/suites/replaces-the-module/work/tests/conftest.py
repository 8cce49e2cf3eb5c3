import sys
import types

own = types.ModuleType("shop.prices")
exec(
    """
def reduce_price(price, percent):
    if not 0 <= percent <= 100:
        raise ValueError
    return round(price - price * percent / 100, 2)


def find_total(items):
    total = sum(price * number for price, number in items)
    return total if total >= 50 or not items else total + 5
""",
    own.__dict__,
)
sys.modules["shop.prices"] = own
