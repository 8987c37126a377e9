"""Entry of a bench's own processes: `python -m vedette.app.bench JOB RESULT`."""

import sys
from pathlib import Path

from vedette.app.bench.senders import run_senders

if __name__ == "__main__":
    run_senders(Path(sys.argv[1]), Path(sys.argv[2]))
