// What an app has set for itself of what exec takes from the caller is set again in each launch, or the build says that
// it cannot be.
import test from 'ava';
import { spawnSync } from 'node:child_process';

import { cli } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { Workshop } from './support.js';

const warm = 'until = { log = "warm$" }\nsettle = "300ms"';
const told =
  'print(os.get_blocking(0), os.get_blocking(1), os.get_blocking(2), open("/proc/self/oom_score_adj").read().strip(), os.umask(0o22), resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_CORE)[0], os.nice(0), libc.syscall(ioprio_get, 1, 0) >> 13, sorted(os.sched_getaffinity(0)), flush=True)\n';
/** System calls of x86-64, AArch64 and 32-bit ARM that Python has no names for. */
const calls = `import ctypes
libc = ctypes.CDLL(None)
cpus = ('x86_64', 'aarch64')
machine = cpus.index(os.uname().machine) if os.uname().machine in cpus else 2
keyctl, ioprio_set, ioprio_get = (250, 219, 311)[machine], (251, 30, 314)[machine], (252, 31, 315)[machine]
`;
const ioprioSet = (value: number): string => `libc.syscall(ioprio_set, 1, 0, ${value})`;
const tell = `import resource, atexit\n${calls}@atexit.register\ndef tell(): ${told}`;

/** Builds as from a shell whose soft limit of open files is lower than its hard one. */
function build(workshop: Workshop, profile: string): void {
  const command = `ulimit -Sn 512; ulimit -Hn 4096; umask 022; "$@"; exit $?`;
  const args = [process.execPath, cli, 'build', '--store', workshop.store, profile];
  const built = spawnSync('sh', ['-c', command, 'sh', ...args], {
    cwd: workshop.folder,
    encoding: 'utf8',
    timeout: PATIENCE_MS,
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
os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[0]})
open('/proc/self/oom_score_adj', 'w').write('421')
${ioprioSet(3 << 13)}
os.set_blocking(1, False)
`;
  build(workshop, workshop.profile('own', warm, `${tell}${set}`));
  t.regex(launched(workshop, 'own') ?? '', /^True False True 421 63 \(3000, 3000\) 0 3 3 \[\d+\]$/);
});

test("what it has not set is the caller's", (t) => {
  const workshop = new Workshop(t);
  build(workshop, workshop.profile('given', warm, tell));
  t.regex(launched(workshop, 'given') ?? '', /^True True True \d+ 23 \(300, 3000\) 0 0 0 /);
});

test('an app that joins a session keyring', (t) => {
  const workshop = new Workshop(t);
  const join = `${calls}joined = libc.syscall(keyctl, 1, None)\nprint(joined, flush=True)\n`;
  const { status, stderr } = workshop.thaw('build', workshop.profile('keys', warm, join));
  if (spawnSync('python3', ['-c', `import os\n${join}assert joined > 0`]).status !== 0) {
    t.pass('this kernel has no keyrings');
    return;
  }
  t.is(status, 1);
  t.regex(stderr, /session keyring/);
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
