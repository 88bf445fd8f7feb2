"""Runs MiniStack for as long as the standard input lasts.

Tests end by signals that run no destructor, and MiniStack would stay with all the functions that it has started.
"""

import os
import runpy
import signal
import threading


def end_with_input(descriptor):
    while os.read(descriptor, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


threading.Thread(target=end_with_input, args=[os.dup(0)], daemon=True).start()
runpy.run_module("ministack", run_name="__main__", alter_sys=True)
