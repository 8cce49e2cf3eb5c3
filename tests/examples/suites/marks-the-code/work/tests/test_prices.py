from shop import prices


def test_it():
    assert prices.MARK == 1
