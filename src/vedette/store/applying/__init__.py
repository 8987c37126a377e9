"""One batch of effects in one transaction: look, weigh, write."""

from vedette.store.applying.batch import Batch

__all__ = ["Batch"]
