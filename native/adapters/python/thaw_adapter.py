"""thaw's adapter for CPython: calls for the checkpoint on the main thread, and puts right in each launch what the
interpreter and the standard library have cached. See docs/adapters.md.

No module is imported that the app might not need: `_signal`, `posix` and `time` are part of the interpreter.
"""
import os
import sys
import time

import _signal
import thaw_hooks

# struct thaw_call of thaw.h: state, limit, then address and size of the arguments and of the environment.
_CALL_SIZE, _LIMIT_AT, _STRINGS_AT = 40, 4, 8
_LIMIT_MS = 10000
_RESTORED, _DONE = 1, 3
_SIGNAL = 16
_CHANGED_BY = 0x5A  # The mark behind the record is thaw's key with each byte changed by this.

_answers = _key = None
_started_with = {}  # The environment that the app saw first.
_arguments = []  # The command line, and how many of its words are sys.argv[1:].
_own_arguments = 0


def load():
    """Gets ready, and leaves nothing behind in the environment."""
    global _answers, _key, _started_with, _arguments, _own_arguments
    _answers = os.environ.pop("THAW_ADAPTER")
    _key = bytes.fromhex(os.environ.pop("THAW_ADAPTER_KEY"))
    _started_with = dict(os.environb)
    _arguments = _command_line()
    _own_arguments = len(sys.argv) - 1
    _signal.signal(_SIGNAL, _asked)


def _command_line():
    with open("/proc/self/cmdline", "rb") as file:
        return file.read().split(b"\0")[:-1]


def _asked(_number, _frame):
    """thaw asks for the checkpoint. In a launch, the app goes on where this returns."""
    _signal.signal(_SIGNAL, _signal.SIG_DFL)
    # The main thread keeps the interpreter until it is done: no other thread runs code of the app in between.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(60)
    time.sleep(0.01)  # For threads that wait for their turn in the old interval.
    try:
        _checkpoint()
    finally:
        sys.setswitchinterval(interval)


def _checkpoint():
    try:
        for hook in thaw_hooks.before:
            hook()
        os.close(os.open("/proc/self/mem", os.O_RDONLY))  # A launch needs it.
    except BaseException as error:  # The build is over, whatever it was.
        _tell("%s before the checkpoint: %s" % (type(error).__name__, error))
        raise
    state = _running_loop(), _own_variables()
    call = bytearray(_CALL_SIZE + len(_key))
    call[_LIMIT_AT:_STRINGS_AT] = _LIMIT_MS.to_bytes(4, sys.byteorder)
    for i, byte in enumerate(_key):
        call[_CALL_SIZE + i] = byte ^ _CHANGED_BY
    if not _tell("waiting"):
        return
    while not call[0]:
        pass
    if call[0] == _RESTORED:
        _launched(call, *state)


def _tell(text):
    """False where thaw no longer listens."""
    try:
        with open(_answers + "/new", "w") as file:
            file.write(text)
        os.rename(_answers + "/new", _answers + "/answer")
        return True
    except OSError:
        return False


def _launched(call, loop, own):
    """thaw starts the program cold if this fails, or takes too long."""
    try:
        arguments, environment = _delivered(call)
        _deliver_arguments(arguments)
        _deliver_environment(environment, own)
        _seed()
        _renew_identity(loop)
        for hook in reversed(thaw_hooks.after):
            hook()
        call[0] = _DONE
    except BaseException:
        sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
    os.kill(os.getpid(), _SIGNAL)
    while call[0] != _DONE:
        pass  # Until the program is another one.


def _delivered(call):
    words = [int.from_bytes(call[at : at + 8], sys.byteorder) for at in range(_STRINGS_AT, _CALL_SIZE, 8)]
    memory = os.open("/proc/self/mem", os.O_RDONLY)
    try:
        return [os.pread(memory, size, address).split(b"\0")[:-1] for address, size in (words[:2], words[2:])]
    finally:
        os.close(memory)


def _deliver_arguments(arguments):
    """The interpreter's own arguments and the script are part of the image, only what follows may differ."""
    # Those of a script that is executed by itself (#!) stand behind its interpreter's.
    if arguments[1:] == _arguments[len(_arguments) - len(arguments) + 1 :]:
        return
    fixed = len(_arguments) - _own_arguments
    if arguments[1:fixed] != _arguments[1:fixed]:
        raise ValueError("the image is that of another script")
    sys.argv[1:] = [os.fsdecode(argument) for argument in arguments[fixed:]]


def _own_variables():
    """What the app has set or removed itself, None where it has removed it."""
    now = dict(os.environb)
    names = set(now) | set(_started_with)
    return {name: now.get(name) for name in names if now.get(name) != _started_with.get(name)}


def _deliver_environment(entries, own):
    """The caller's, but for the app's own. Nothing is assumed of what libc has by now."""
    wanted = {}
    for entry in entries:
        name, sign, value = entry.partition(b"=")
        if sign and name:
            wanted.setdefault(name, value)
    wanted.update(own)
    environ = os.environb
    for name in set(wanted) | set(_started_with):
        value = wanted.get(name)
        if value is None:
            environ.pop(name, None)
        elif name in own or environ.get(name) != value:
            environ[name] = value
    time.tzset()


def _seed():
    """As the children of a fork do."""
    random = sys.modules.get("random")
    if random is not None:
        random.seed()
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed()
    process = sys.modules.get("multiprocessing.process")
    if process is not None:
        process.current_process().authkey = os.urandom(32)


def _running_loop():
    """asyncio keeps the pid with the loop that runs, and has none under another pid."""
    events = sys.modules.get("asyncio.events")
    # An import that is still under way has none of its functions, and no loop runs yet.
    get_running_loop = getattr(events, "_get_running_loop", None)
    return None if get_running_loop is None else get_running_loop()


def _renew_identity(loop):
    if loop is not None:
        sys.modules["asyncio.events"]._set_running_loop(loop)
    threading = sys.modules.get("threading")
    if threading is not None and hasattr(threading, "get_native_id"):
        threading.main_thread()._native_id = threading.get_native_id()
