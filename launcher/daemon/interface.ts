// What the daemon does for others: the varlink interface thaw.Daemon.
import { ThawError } from '../errors.js';
import type { Daemon } from './daemon.js';
import { metricsText } from './metrics.js';
import { CallError, type Interface, type Parameters } from './varlink.js';

export const NAME = 'thaw.Daemon';

const DESCRIPTION = `# Keeps the images of profiles fresh: docs/how-to/daemon.md of thaw.
interface ${NAME}

# Why launches want a new image: a condition of a launch, and what is wrong.
type Stale (condition: string, what: string)

# What a rebuild waits for: paused, delay, attempts, or a limit's name.
type Wait (name: string, why: string)

# Launches seen; cold ones by the condition that stood in the way. Builds of this daemon.
type Counts (warm: int, cold: [string]int, rebuilt: int, failed: int)

# Times are in milliseconds since 1970, sizes in bytes.
type Profile (
  name: string,
  image: ?string,
  madeAt: ?int,
  onDisk: int,
  stale: ?Stale,
  waits: []Wait,
  building: bool,
  failures: int,
  error: ?string,
  running: int,
  counts: Counts
)

# state: watching, building or paused. pausedUntil: null where nobody has said until when.
method Status() -> (
  state: string,
  pausedUntil: ?int,
  watched: int,
  unwatched: int,
  writtenToday: int,
  profiles: []Profile
)

# Builds the profile as soon as no other build is at work, whatever the limits say. Answers at once.
method Rebuild(name: string) -> ()

# Begins no build for so many seconds, or until Resume.
method Pause(seconds: ?int) -> ()

method Resume() -> ()

# In Prometheus' text format.
method Metrics() -> (text: string)

error NoSuchProfile (name: string)
error Failed (what: string)
`;

export function interfaceOf(daemon: Daemon): Interface {
  return {
    name: NAME,
    description: DESCRIPTION,
    methods: {
      Status: () => ({ ...daemon.status() }),
      Rebuild: ({ name }) => {
        if (typeof name !== 'string') throw invalid('name');
        if (!daemon.rebuildNow(name)) throw new CallError(`${NAME}.NoSuchProfile`, { name });
        return {};
      },
      Pause: ({ seconds }: Parameters) => {
        if (seconds !== undefined && seconds !== null && !isCount(seconds)) throw invalid('seconds');
        daemon.pause(isCount(seconds) ? seconds * 1000 : undefined);
        return {};
      },
      Resume: () => {
        daemon.resume();
        return {};
      },
      Metrics: () => ({ text: metricsText(daemon.status()) }),
    },
  };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}

function invalid(parameter: string): CallError {
  return new CallError('org.varlink.service.InvalidParameter', { parameter });
}

/** Where the daemon listens, of this user. @throws ThawError where there is no such place */
export function socketPath(environment: NodeJS.ProcessEnv): string {
  if (process.geteuid?.() === 0) return '/run/thaw/daemon';
  const folder = environment['XDG_RUNTIME_DIR'];
  if (folder !== undefined) return `${folder}/thaw/daemon`;
  throw new ThawError('there is no place for the socket of the daemon', {
    remedy: 'set --socket, or $XDG_RUNTIME_DIR',
  });
}
