"""Entry of one server process; started by the supervisor only."""

import sys

from vedette.app.processes.metrics_room import take_metrics_room


def _main() -> int:
    # Before anything is imported that makes a metric.
    take_metrics_room()
    from vedette.app.processes.child import main

    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(_main())
