package jdk.crac;

/** thaw's own version of the interface that org.crac looks for: its code is what calls for a checkpoint. */
public class Core {
    private static final Context<Resource> GLOBAL = new GlobalContext();

    private Core() {}

    public static Context<Resource> getGlobalContext() {
        return GLOBAL;
    }

    /**
     * The app is warm. Each launch returns from here.
     *
     * @throws UnsupportedOperationException unless the profile says {@code until = { call = true }}
     * @throws CheckpointException when a resource did, or thaw is gone
     * @throws RestoreException never by thaw: the app starts cold instead
     */
    public static void checkpointRestore() throws CheckpointException, RestoreException {
        String failure = checkpoint();
        if (failure != null) throw new CheckpointException(failure);
    }

    private static native String checkpoint();
}
