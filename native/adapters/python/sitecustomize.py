# Loads thaw's adapter, then the sitecustomize that Python would have loaded without it.
import os
import sys

_folder = os.path.dirname(os.path.abspath(__file__))


def _leave_no_trace():
    """The app's modules, and the programs that it starts, are looked for as without the adapter."""
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != _folder]
    sys.path_importer_cache.pop(_folder, None)
    rest = os.environ.get("PYTHONPATH", "").split(":")[1:]
    if rest:
        os.environ["PYTHONPATH"] = ":".join(rest)
    else:
        os.environ.pop("PYTHONPATH", None)


def _load_apps_own():
    this = sys.modules.pop("sitecustomize")
    try:
        import sitecustomize  # noqa: F401
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
        sys.modules["sitecustomize"] = this  # importlib looks for it when this file is done.


if "THAW_ADAPTER" in os.environ:
    import thaw_adapter

    _leave_no_trace()
    thaw_adapter.load()
    _load_apps_own()
