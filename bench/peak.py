"""Runs one command and prints its seconds and its peak memory, from a process that is small itself.

Linux counts what a process held before it became another program: a large parent would be what is measured.
"""

import json
import resource
import subprocess
import sys
import time


def main(command: list[str]) -> int:
    """Run the command to its end; return its status."""
    started = time.monotonic()
    ended = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    seconds = time.monotonic() - started
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb}))
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
