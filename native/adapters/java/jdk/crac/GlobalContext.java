package jdk.crac;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Notifies in reversed order of registration before a checkpoint, and in that order in a launch. */
final class GlobalContext extends Context<Resource> {
    private final List<WeakReference<Resource>> registered = new ArrayList<>();
    /** Held until the launch has notified them all. */
    private final List<Resource> notified = new ArrayList<>();

    @Override
    public void register(Resource resource) {
        synchronized (registered) {
            registered.removeIf(reference -> reference.get() == null);
            registered.add(new WeakReference<>(resource));
        }
    }

    @Override
    public void beforeCheckpoint(Context<? extends Resource> context) throws CheckpointException {
        notified.clear();
        synchronized (registered) {
            for (WeakReference<Resource> reference : registered) {
                Resource resource = reference.get();
                if (resource != null) notified.add(resource);
            }
        }
        Collections.reverse(notified);
        CheckpointException failed = null;
        for (Resource resource : notified) {
            try {
                resource.beforeCheckpoint(this);
            } catch (Exception exception) {
                if (failed == null) failed = new CheckpointException();
                add(failed, exception, exception instanceof CheckpointException);
            }
        }
        Collections.reverse(notified);
        if (failed != null) throw failed;
    }

    @Override
    public void afterRestore(Context<? extends Resource> context) throws RestoreException {
        RestoreException failed = null;
        for (Resource resource : notified) {
            try {
                resource.afterRestore(this);
            } catch (Exception exception) {
                if (failed == null) failed = new RestoreException();
                add(failed, exception, exception instanceof RestoreException);
            }
        }
        notified.clear();
        if (failed != null) throw failed;
    }

    /** A context within this one has collected what its own resources threw. */
    private static void add(Exception all, Exception one, boolean collected) {
        if (!collected || one.getSuppressed().length == 0) all.addSuppressed(one);
        else for (Throwable each : one.getSuppressed()) all.addSuppressed(each);
    }
}
