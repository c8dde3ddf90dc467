"""Runs a program and tells what it cost. Standard library only."""
import os
import subprocess
import time


def run(command, **options):
    """The command's standard output, its processor seconds, peak memory in MiB and wall seconds."""
    start = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True, **options)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"failed: {' '.join(str(word) for word in command)}")
    return out, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, time.monotonic() - start


def load():
    """The machine's load average and number of processors, to be printed beside figures."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
