"""A process of simulated hosts. It signs and sends what was sealed before, as agents do: in order, waiting when told to."""

import asyncio
import secrets
import ssl
from collections import Counter
from pathlib import Path

import uvloop

from vedette.app.bench.chance import chance
from vedette.app.bench.job import Job, Post, SenderPlan, Sent, read_record, write_record
from vedette.app.bench.line import Line, Reply
from vedette.core import Clock, SystemClock, Unavailable
from vedette.seal import SigningKey, sign_request

__all__ = ["run_senders"]

_PATH = "/v1/snapshots"
_CONTENT_TYPE = "application/vedette-envelope"
_RETRIED = frozenset({401, 429, 503})


def run_senders(job_file: Path, result_file: Path) -> None:
    """Does the job and writes what became of each post."""
    job = read_record(job_file, Job)
    write_record(result_file, uvloop.run(_all(job, SystemClock())))


async def _all(job: Job, clock: Clock) -> list[Sent]:
    context = ssl.create_default_context(cafile=job.ca_file)
    senders = [_Sender(plan, job, context, clock) for plan in job.senders]
    # Handshakes in small groups: a flood of them is not what is measured here.
    for start in range(0, len(senders), 16):
        await asyncio.gather(*(sender.open() for sender in senders[start : start + 16]))
    await asyncio.sleep(max(0.0, job.start - clock.monotonic()))
    watching = asyncio.create_task(_watch(job, senders))
    results = await asyncio.gather(*(sender.run() for sender in senders))
    watching.cancel()
    return [sent for each in results for sent in each]


async def _watch(job: Job, senders: "list[_Sender]") -> None:
    stop_file = Path(job.stop_file)
    while not stop_file.exists():  # noqa: ASYNC110, ASYNC240 - another process makes the file
        await asyncio.sleep(0.2)
    for sender in senders:
        sender.stopped = True


class _Sender:
    """One host."""

    def __init__(self, plan: SenderPlan, job: Job, context: ssl.SSLContext, clock: Clock) -> None:
        self._plan = plan
        self._job = job
        self._clock = clock
        self._key = SigningKey(plan.key)
        self._line = Line(job.port, context)
        self.stopped = False
        self._chance = chance(plan.name)

    async def open(self) -> None:
        await self._line.open()

    async def run(self) -> list[Sent]:
        results = []
        for post in self._plan.posts:
            due = self._job.start + post.due
            if post.due:
                await asyncio.sleep(max(0.0, due - self._clock.monotonic()))
            now = self._clock.monotonic()
            if self.stopped or now >= self._job.stop_sending:
                break
            results.append(await self._deliver(post, due if post.due else now))
        self._line.close()
        return results

    async def _deliver(self, post: Post, due: float) -> Sent:
        refused: Counter[str] = Counter()
        accepted, duplicate = 0.0, False
        while self._clock.monotonic() < self._job.give_up:
            try:
                reply = await self._send(post)
            except Unavailable:
                refused["no-answer"] += 1
                await asyncio.sleep(self._chance.uniform(0.0, 1.0))
                continue
            if reply.status == 202:
                accepted = self._clock.monotonic()
                fields = reply.fields()
                duplicate = bool(fields.get("duplicate"))
                await asyncio.sleep(float(fields.get("pace", 0.0)))
                break
            refused[_kind(reply)] += 1
            if reply.status not in _RETRIED:
                break
            asked = float(reply.headers.get("retry-after", "0"))
            await asyncio.sleep(asked + self._chance.uniform(0.0, 1.0))
        return Sent(
            name=self._plan.name,
            seq=post.seq,
            due=due,
            accepted=accepted,
            size=len(post.envelope),
            duplicate=duplicate,
            refused=dict(refused),
        )

    async def _send(self, post: Post) -> Reply:
        headers = sign_request(
            self._key,
            keyid=self._key.kid,
            method="POST",
            path=_PATH,
            query="",
            body=post.envelope,
            created=int(self._clock.now().timestamp()),
            nonce=secrets.token_urlsafe(18),
        )
        return await self._line.post(
            _PATH, headers | {"Content-Type": _CONTENT_TYPE}, post.envelope
        )


def _kind(reply: Reply) -> str:
    return str(reply.fields().get("type", reply.status)).rpartition("/")[2]
