"""Entry of one server process; started by the supervisor only."""

import sys

from vedette.app.processes.child import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
