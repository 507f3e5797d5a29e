// What an app has set for itself of what exec takes from the caller is set again in each launch, or the build says that
// it cannot be.
import test from 'ava';
import { spawnSync } from 'node:child_process';

import { cli } from '../engine/support/paths.js';
import { Workshop } from './support.js';

const warm = 'until = { log = "warm" }\nsettle = "150ms"';
const told =
  'print(os.umask(0o22), resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_CORE)[0], os.nice(0), sorted(os.sched_getaffinity(0)), libc.syscall(io + 1, 1, 0), flush=True)\n';
/** The number of ioprio_set(2), before that of ioprio_get(2). */
const io = "{'x86_64': 251, 'aarch64': 30}.get(platform.machine(), 314)";
const tell = `import resource, atexit, ctypes, platform
libc, io = ctypes.CDLL(None), ${io}
@atexit.register
def tell(): ${told}`;

/** Builds as from a shell whose soft limit of open files is lower than its hard one. */
function build(workshop: Workshop, profile: string): void {
  const command = `ulimit -Sn 512; ulimit -Hn 4096; umask 022; "$@"; exit $?`;
  const args = [process.execPath, cli, 'build', '--store', workshop.store, profile];
  const built = spawnSync('sh', ['-c', command, 'sh', ...args], {
    cwd: workshop.folder,
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (built.status !== 0) throw new Error(built.stdout + built.stderr);
}

/** What the app says at its end, launched by a caller with other limits. */
function launched(workshop: Workshop, name: string): string | undefined {
  const caller = ['sh', '-c', 'ulimit -Sn 300; ulimit -Hn 3000; ulimit -Sc 0; umask 027; exec "$@"', 'sh'];
  const { stdout, stderr } = workshop.launch(name, { THAW_LOG: 'warn' }, caller);
  if (stderr !== '') throw new Error(stderr);
  return stdout.trim().split('\n').at(-1);
}

test('what the app has set is set again', (t) => {
  const workshop = new Workshop(t);
  const set = `os.umask(0o77)
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
os.nice(3)
libc.syscall(io, 1, 0, 2 << 13 | 1)
os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
`;
  build(workshop, workshop.profile('own', warm, `${tell}${set}`));
  t.regex(launched(workshop, 'own') ?? '', /^63 \(3000, 3000\) 0 3 \[\d+\] 16385$/);
});

test("what it has not set is the caller's", (t) => {
  const workshop = new Workshop(t);
  build(workshop, workshop.profile('given', warm, tell));
  t.regex(launched(workshop, 'given') ?? '', /^23 \(300, 3000\) 0 0 /);
});

const capabilities = `import ctypes
libc = ctypes.CDLL(None)
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
data = (ctypes.c_uint32 * 6)()
libc.capget(header, data)
`;

/** What an app of root's does to its rights. CAP_WAKE_ALARM has bit 3 in the second word of each set. */
const changes: Readonly<Record<string, string>> = {
  // PR_CAPBSET_DROP, then from the sets of the process, so that they agree.
  CapBnd: `${capabilities}libc.prctl(24, 35, 0, 0, 0)
data[3] &= ~(1 << 3); data[4] &= ~(1 << 3)
libc.capset(header, data)
`,
  CapInh: `${capabilities}data[5] ^= 1 << 3
libc.capset(header, data)
`,
  Groups: 'os.setgroups([1, 2, 3])\n',
};

for (const [what, work] of Object.entries(changes))
  test(`an app that changes its rights: ${what}`, (t) => {
    const workshop = new Workshop(t);
    if (process.getuid?.() !== 0) {
      t.pass('only root can');
      return;
    }
    const { status, stderr } = workshop.thaw('build', workshop.profile('bound', warm, work));
    t.is(status, 1);
    t.regex(stderr, new RegExp(`has changed its rights: ${what}: [\\s\\S]*CapabilityBoundingSet=`));
  });
