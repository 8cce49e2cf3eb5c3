import pytest


@pytest.fixture
def basket():
    return [(25, 2)]
