"""Logs of the agent: one JSON object a line on standard error, for the journal."""

import logging
import sys

import structlog

__all__ = ["configure_agent_logs"]


def configure_agent_logs(least: int = logging.INFO) -> None:
    """Sets the format, and the least level that is written; libraries speak up only from warnings on."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(stream=sys.stderr, level=max(least, logging.WARNING))
