import pytest


@pytest.fixture
def basket():
    return [(12.5, 4)]
