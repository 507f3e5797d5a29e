# STATUS GO SCRATCH: a program that sleeps in a loop, and a thread that waits with a timeout, both by absolute deadlines of
# CLOCK_MONOTONIC.
import os
import sys
import threading
import time

status, go = sys.argv[1:3]
never = threading.Condition()
ticks = 0
last = time.monotonic()


def wait():
    global ticks
    with never:
        while True:
            never.wait(0.2)
            ticks += 1


threading.Thread(target=wait, daemon=True).start()
count, seen = 0, -1
while True:
    time.sleep(0.5)
    now = time.monotonic()
    if now < last:
        sys.exit("the clock went back by %f s" % (last - now))
    last = now
    count += 1
    if count >= 2 and not os.path.exists(status):
        with open(status, "w") as file:
            file.write("ready\n")
    if not os.path.exists(go):
        continue
    if seen < 0:
        seen = ticks
    elif ticks > seen:
        os._exit(0)
