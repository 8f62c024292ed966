"""How does a process notice that the one which supervises it is gone, and end?"""

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time

SUPERVISOR = "AI_TRADER_SUPERVISOR"
"""The variable that tells a child of the manager ``<pid of the manager>:<descriptor of the pipe it keeps open>``."""

GRACE_SECONDS = 4.0
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> bool:
    """End this process and its group soon after its supervisor is gone, however that one ended. A child's first call.

    Two independent signs: the kernel's death signal (Linux), and the end of a pipe whose other end only the supervisor
    holds. Either asks for an orderly end by SIGTERM; four seconds later the group is killed. Return whether there is a
    supervisor, which then writes down what this process says; without one nothing happens.
    """
    told = os.environ.pop(SUPERVISOR, "")  # popped: a grandchild has no such pipe
    supervisor, _, descriptor = told.partition(":")
    if not (supervisor.isdigit() and descriptor.isdigit()):
        return False
    pipe = int(descriptor)
    os.set_inheritable(pipe, False)
    _ask_for_death_signal()
    threading.Thread(target=_wait_for_end, args=(pipe,), name="orphan-watch", daemon=True).start()
    if os.getppid() != int(supervisor):  # it died before the death signal was asked for
        os.kill(os.getpid(), signal.SIGTERM)
    return True


def _ask_for_death_signal() -> None:
    if sys.platform == "linux":
        # Bound to the thread that started us: the manager starts its children from its main thread.
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _wait_for_end(pipe: int) -> None:
    with contextlib.suppress(OSError):
        while os.read(pipe, 1):
            pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
