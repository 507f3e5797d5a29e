// An app that makes System V shared memory with a key at each start and removes it at its end, as PostgreSQL does to lock its
// data directory.
import test from 'ava';
import { appendFileSync } from 'node:fs';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

import { Workshop, python } from './support.js';

const library = `import atexit, ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
key = int(open('key').read())
`;

/** IPC_CREAT | IPC_EXCL | 0600; IPC_RMID is 0. Its second page stays empty. */
const app = `${library}
segment = libc.shmget(key, 5000, 0o3600)
if segment < 0:
    sys.exit('errno %d' % ctypes.get_errno())
memory = libc.shmat(segment, None, 0)
ctypes.memmove(memory, b'data directory', 14)
def end():
    same = libc.shmget(key, 0, 0) == segment
    text = ctypes.string_at(memory, 14).decode()
    if ctypes.string_at(memory + 4096, 904) != bytes(904):
        text += ' of another'
    libc.shmdt(ctypes.c_void_p(memory))
    print(same, text, libc.shmctl(segment, 0, None), flush=True)
atexit.register(end)
`;

/** Another process that has it, and ends with its input. */
const other = `${library}
libc.shmat(libc.shmget(key, 5000, 0o1600), None, 0)
print('there', flush=True)
sys.stdin.read()
`;

/** One that has ended without removing it. */
const left = `${library}
ctypes.memset(libc.shmat(libc.shmget(key, 5000, 0o1600), None, 0), 0x55, 5000)
`;

const right = 'done\nTrue data directory 0\n';

test('shared memory with a key', async (t) => {
  const key = 0x54690000 | (process.pid & 0xffff);
  const workshop = new Workshop(t);
  t.teardown(() => spawnSync('ipcrm', ['-M', String(key)]));
  workshop.write('key', String(key));
  const toml = workshop.profile(
    'app',
    'until = { log = "^warm$" }\nsettle = "200ms"',
    app,
    'adapter = "none"',
  );
  const refused = workshop.thaw('build', toml);
  t.regex(refused.stderr, /System V shared memory \(key 0x5469[^]*type = "shm"[^]*action = "reopen"/);
  spawnSync('ipcrm', ['-M', String(key)]);
  appendFileSync(toml, '\n[[policies]]\ntype = "shm"\naction = "reopen"\n');
  const built = workshop.thaw('build', toml);
  t.is(built.status, 0, built.stderr);
  // The first finds what the build has left, the others find nothing, and have other ids.
  for (const which of ['first', 'second', 'third']) {
    const launched = workshop.launch('app');
    t.is(launched.stderr, '', which);
    t.is(launched.stdout, right, which);
  }

  t.is(spawnSync(python, ['-c', left], { cwd: workshop.folder }).status, 0);
  t.is(workshop.launch('app').stdout, right, 'all of what is left has the content of the image');

  const holder = spawn(python, ['-c', other], { cwd: workshop.folder, stdio: ['pipe', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  const beside = workshop.launch('app');
  t.regex(beside.stderr, /another process has attached[^]*errno 17/);
  holder.stdin.end();
  await once(holder, 'exit');
  t.is(workshop.launch('app').stdout, right);
});
