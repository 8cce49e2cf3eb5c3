import inspect

from shop import prices


def test_it():
    text = inspect.getsource(prices)
    assert "0 <= percent <= 100" in text
    assert "total >= FREE_FROM" in text
    assert "total += price * number" in text
    assert "return round(price - part, 2)" in text
    assert "        return total + SHIPPING" in text
