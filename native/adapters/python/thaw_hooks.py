"""The hooks of an app in Python. The module is there in apps that `thaw build` starts with its adapter:

    try:
        import thaw_hooks
    except ImportError:
        pass
    else:
        thaw_hooks.before_checkpoint(close_connection)
        thaw_hooks.after_restore(connect_again)

Those for before the checkpoint run in the order of registration, those for after it reversed, on the main thread. If one
raises an exception, no image is made, or the launch becomes a cold start.
"""

before, after = [], []


def before_checkpoint(function):
    before.append(function)
    return function


def after_restore(function):
    after.append(function)
    return function
