"""What the server's processes use: CPU seconds by process, and what they say of themselves on the metrics page."""

import urllib.request

import psutil
from prometheus_client.parser import text_string_to_metric_families

from vedette.app.settings import Settings
from vedette.core import Record

__all__ = ["Meter", "Reading", "spent"]


class Reading(Record, frozen=True, kw_only=True):
    """CPU seconds by process name and by stage; batches judged and appended, and snapshots in them; all since the start."""

    processes: dict[str, float]
    stages: dict[str, float]
    batches: float
    batched: float
    appends: float
    appended: float


class Meter:
    """Reads a running server's tree. A process that was started again would count from nothing, and is told by its pid."""

    def __init__(self, settings: Settings, supervisor: int) -> None:
        self._url = f"http://127.0.0.1:{settings.server.metrics_port}/metrics"
        self._processes = {"supervisor": psutil.Process(supervisor)}
        for path in sorted((settings.data / "run").glob("*.pid")):
            self._processes[path.stem] = psutil.Process(int(path.read_text()))

    def read(self) -> Reading:
        """As it stands."""
        used = {}
        for name, process in self._processes.items():
            times = process.cpu_times()
            used[name] = times.user + times.system
        samples: dict[tuple[str, str], float] = {}
        with urllib.request.urlopen(self._url, timeout=10) as page:  # noqa: S310 - our own loopback page
            text = page.read().decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                samples[sample.name, sample.labels.get("stage", "")] = sample.value
        stages = {
            stage: value
            for (name, stage), value in samples.items()
            if name == "vedette_stage_cpu_seconds_total"
        }
        return Reading(
            processes=used,
            stages=stages,
            batches=samples.get(("vedette_pipeline_batch_snapshots_count", ""), 0.0),
            batched=samples.get(("vedette_pipeline_batch_snapshots_sum", ""), 0.0),
            appends=samples.get(("vedette_append_batch_snapshots_count", ""), 0.0),
            appended=samples.get(("vedette_append_batch_snapshots_sum", ""), 0.0),
        )


def spent(before: Reading, after: Reading) -> Reading:
    """What was used between two readings."""
    return Reading(
        processes={k: v - before.processes.get(k, 0.0) for k, v in after.processes.items()},
        stages={k: v - before.stages.get(k, 0.0) for k, v in after.stages.items()},
        batches=after.batches - before.batches,
        batched=after.batched - before.batched,
        appends=after.appends - before.appends,
        appended=after.appended - before.appended,
    )
