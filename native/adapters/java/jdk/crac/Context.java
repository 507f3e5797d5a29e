package jdk.crac;

/** Resources that are notified together. */
public abstract class Context<R extends Resource> implements Resource {
    protected Context() {}

    @Override
    public abstract void beforeCheckpoint(Context<? extends Resource> context) throws CheckpointException;

    @Override
    public abstract void afterRestore(Context<? extends Resource> context) throws RestoreException;

    /** The resource stays the app's: it is forgotten when nothing else refers to it. */
    public abstract void register(R resource);
}
