"""The expert of metrics."""

from vedette.detect.vitals.fit import fit
from vedette.detect.vitals.stream import StreamReading, VitalsStream
from vedette.detect.vitals.vitals import VitalsExpert

__all__ = ["StreamReading", "VitalsExpert", "VitalsStream", "fit"]
