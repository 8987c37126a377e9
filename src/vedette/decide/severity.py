"""How bad an incident is: as bad as its verdicts, and as its host matters."""

from collections.abc import Mapping

from vedette.core import Severity

__all__ = ["CRITICALITY", "weighed"]

CRITICALITY = "criticality"
_STEPS = {"low": -1, "normal": 0, "high": 1, "critical": 1}
_LEAST, _MOST = Severity.LOW, Severity.CRITICAL


def weighed(severity: Severity, labels: Mapping[str, str]) -> Severity:
    """A verdict's severity on a host: one step more where the label `criticality` is high or critical, one less where it is low.

    What is abnormal stays at least low. Another word in the label, or none, weighs nothing.
    """
    step = _STEPS.get(labels.get(CRITICALITY, ""), 0)
    if severity is Severity.NONE or not step:
        return severity
    return list(Severity)[min(max(severity.rank + step, _LEAST.rank), _MOST.rank)]
