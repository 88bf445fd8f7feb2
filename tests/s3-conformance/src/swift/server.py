"""Runs one of Swift's servers until standard input ends: server.py PROGRAM ARGUMENT...

The input ends when the test that started the server does, however that comes about. Swift's servers leave
their process group, so nothing else would end them after a test that was killed.
"""

import os
import runpy
import sys
import threading


def end_with_input(descriptor):
    while os.read(descriptor, 4096):
        pass
    os._exit(0)


# The server makes its own standard input /dev/null.
threading.Thread(target=end_with_input, args=[os.dup(0)], daemon=True).start()
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
