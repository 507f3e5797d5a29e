/** How long tests wait for what takes a moment, in milliseconds: only what hangs takes longer, on the slowest machine too. */
export const PATIENCE_MS = 300_000;
