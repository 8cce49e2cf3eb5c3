from app.basket import add_up


def test_prices_are_added_up() -> None:
    assert add_up([1, 2, 3]) == 6
