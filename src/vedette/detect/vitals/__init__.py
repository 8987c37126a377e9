"""The expert of metrics."""

from vedette.detect.vitals.fit import fit, study
from vedette.detect.vitals.stream import StreamReading, VitalsStream
from vedette.detect.vitals.vitals import VitalsExpert

__all__ = ["StreamReading", "VitalsExpert", "VitalsStream", "fit", "study"]
