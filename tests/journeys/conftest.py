from collections.abc import Iterator

import pytest

from tests.conftest import DataFolders
from tests.fakes.upstream import FakeUpstream
from tests.journeys.product import Product, make_operator
from tests.processes import ServeProcess

# What a person can pick; the names say what the fake does (tests/fakes/behaviours.py).
MODELS = ("count-500", "half", "hello", "image", "slow-200", "status-500", "status-429-retry-3")


@pytest.fixture(scope="package")
def product(data_folders: DataFolders) -> Iterator[Product]:
    with FakeUpstream(models=[*MODELS]) as upstream:
        environment = {"DEMO_TOKENS_PER_SECOND": "60", "OPENAI_BASE_URL": upstream.openai_url}
        with ServeProcess(data_folders(), environment=environment) as serve:
            yield Product(serve, upstream, make_operator(serve))
