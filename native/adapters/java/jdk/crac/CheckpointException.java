package jdk.crac;

/** What resources threw before a checkpoint is suppressed in this. */
public class CheckpointException extends Exception {
    private static final long serialVersionUID = 1;

    public CheckpointException() {}

    public CheckpointException(String message) {
        super(message);
    }
}
