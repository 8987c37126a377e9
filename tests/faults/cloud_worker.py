"""A responder over a store and a cloud, as a process that a test kills: `python -m tests.faults.cloud_worker STORE ENDPOINT INSTANCE SECONDS`."""

import sys
from pathlib import Path

from tests.respond.ec2_world import REGION, Pinned
from tests.respond.world import START, TENANT

from vedette.core import ManualClock
from vedette.respond import Account, Ec2, Ec2Isolate, Registry, Responder
from vedette.store import Store


def work(store_file: Path, endpoint: str, instance: str, seconds: float) -> None:
    """Ticks until there is nothing to do, `seconds` after the start."""
    clock = ManualClock(START)
    clock.advance(seconds)
    store = Store(f"sqlite:///{store_file}", clock)
    settings = Ec2(tenant=TENANT, enabled=True, region=REGION, endpoint=endpoint)
    kind = Ec2Isolate(Account(settings, clock), Pinned({"ec2.instance_id": instance}))
    responder = Responder(store, Registry([kind]), clock, sweep_seconds=0.0)
    for _ in range(20):
        responder.tick()
    store.close()


if __name__ == "__main__":
    work(Path(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4]))
