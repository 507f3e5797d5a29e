// A JVM loads the agent that JAVA_TOOL_OPTIONS names, and says so on its standard error: in the warm-up's log.
import type { Adapter } from './adapter.js';

export const java: Adapter = {
  program: /^java$/,
  built: true,
  calls: true,
  answerMs: 40_000, // It walks over the heap, and tries twice for 10 s to stop all threads where they hold no lock.
  settles: true,
  // The names of files that are there are a part of what SecureRandom is seeded with.
  noise: ['/tmp'],
  env(folder, { JAVA_TOOL_OPTIONS = '' }) {
    return { JAVA_TOOL_OPTIONS: `-agentpath:'${folder}/thaw_java.so' ${JAVA_TOOL_OPTIONS}`.trimEnd() };
  },
};
