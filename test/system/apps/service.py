# A service: says when it was warmed up, tells systemd that it is ready and alive, and does as signals say. Argument: plain,
# notify or watchdog. SIGUSR1: no longer says that it is alive. SIGUSR2: ends with an error.
import os
import signal
import socket
import sys
import time

alive = True


def tell(where, text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.sendto(text, where.replace("@", "\0", 1))


def hang(number, frame):
    global alive
    alive = False


def fail(number, frame):
    sys.exit(3)


signal.signal(signal.SIGUSR1, hang)
signal.signal(signal.SIGUSR2, fail)
# Only a cold start says this.
print("warmed up", flush=True)
notifies = sys.argv[1] != "plain"
if notifies:
    tell(os.environ["NOTIFY_SOCKET"], b"READY=1")
while True:
    time.sleep(1)
    # Where systemd listens; in the warm-up, thaw does.
    if notifies and alive and os.getppid() == 1:
        tell("/run/systemd/notify", b"WATCHDOG=1")
