"""The endpoints that a run needs, opened and checked before anything is stored."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from eval.chat import Endpoint
from eval.endpoint import EndpointClient
from eval.lag import LagMonitor
from eval.plan import JudgeSpec
from eval.targets import Target


def _wanted(targets: Sequence[Target], judges: Sequence[JudgeSpec]) -> dict[str, tuple[Endpoint, list[str]]]:
    """Each endpoint by address with the models wanted of it; the largest concurrency asked for sizes its pool."""
    found: dict[str, tuple[Endpoint, list[str]]] = {}
    stages = [(stage.endpoint, stage.model) for target in targets for stage in target.stages]
    for endpoint, model in stages + [(judge.endpoint, judge.model) for judge in judges]:
        known, names = found.get(endpoint.url, (endpoint, []))
        wider = endpoint if endpoint.concurrency > known.concurrency else known
        key = known.api_key_env or endpoint.api_key_env  # one pool an address: who names no key does not hide another's
        pool = wider.model_copy(update={"api_key_env": key})
        found[endpoint.url] = (pool, names if model in names else [*names, model])
    return found


def need_keys(targets: Sequence[Target], judges: Sequence[JudgeSpec]) -> None:
    """Raise EndpointError, naming variable and address, where a key that will be needed is not in the environment."""
    for endpoint, _ in _wanted(targets, judges).values():
        endpoint.api_key()


@asynccontextmanager
async def connected(
    targets: Sequence[Target], judges: Sequence[JudgeSpec], lag: LagMonitor | None = None
) -> AsyncIterator[dict[str, EndpointClient]]:
    """Open connections by endpoint address, each checked. Raises EndpointError before anything is stored."""
    async with AsyncExitStack() as stack:
        clients: dict[str, EndpointClient] = {}
        wanted = _wanted(targets, judges)
        for url, (endpoint, _) in wanted.items():
            clients[url] = await stack.enter_async_context(EndpointClient(endpoint, lag))
        await asyncio.gather(*(clients[url].check(names) for url, (_, names) in wanted.items()))
        yield clients


async def check_endpoints(targets: Sequence[Target], judges: Sequence[JudgeSpec]) -> None:
    """Raise EndpointError where an endpoint that will be needed cannot be used."""
    async with connected(targets, judges):
        pass
