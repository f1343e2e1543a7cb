import pytest


@pytest.fixture(params=[300, pytest.param(2000, marks=pytest.mark.slow)], ids=["small", "full"])
def simulations(request):
    """How many simulations a check runs: few in every run, the full size when asked for."""
    return request.param
