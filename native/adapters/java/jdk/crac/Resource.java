package jdk.crac;

/** What an app closes before a checkpoint and opens in each launch. */
public interface Resource {
    /** Throws where the app cannot be checkpointed: no image is made. */
    void beforeCheckpoint(Context<? extends Resource> context) throws Exception;

    /** Throws where the app cannot go on: it starts cold. */
    void afterRestore(Context<? extends Resource> context) throws Exception;
}
