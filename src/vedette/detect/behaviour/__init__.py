"""The expert of processes and sockets."""

from vedette.detect.behaviour.expert import BehaviourExpert
from vedette.detect.behaviour.fit import fit, study
from vedette.detect.behaviour.naming import subjects_of_process

__all__ = ["BehaviourExpert", "fit", "study", "subjects_of_process"]
