import pytest


@pytest.fixture
def basket():
    return [(10, 2), (5, 1)]


@pytest.fixture(params=[0, 25, 100], ids=["none", "a quarter", "all"])
def percent(request):
    return request.param
