"""An arbiter with four workers that have given up root."""

bind = "127.0.0.1:8215"
workers = 4
user = "www-data"
group = "www-data"


def when_ready(server):
    """A launch corrects the pids in the dictionary of workers, but each stands where the old one belongs."""
    try:
        import thaw_hooks
    except ImportError:
        return

    def sort_workers():
        server.WORKERS = {worker.pid: worker for worker in server.WORKERS.values()}

    thaw_hooks.after_restore(sort_workers)
