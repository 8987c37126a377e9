"""The expert of processes and sockets."""

from vedette.detect.behaviour.expert import BehaviourExpert
from vedette.detect.behaviour.fit import fit, study

__all__ = ["BehaviourExpert", "fit", "study"]
