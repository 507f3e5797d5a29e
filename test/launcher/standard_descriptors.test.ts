// What an app has done with its descriptors 0, 1 and 2: what it put there itself is its own in each launch, all else is the caller's.
import test, { type ExecutionContext } from 'ava';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { thawExec } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { Workshop, builtWith, python } from './support.js';

const warm = 'until = { log = "warm$" }\nsettle = "300ms"';
const appended = '[[policies]]\ntype = "file"\npath = "*.log"\naction = "append"';

/** A launch with a file for each of the caller's 1 and 2, and another as its 0: what is in these, where it ends well. */
function expectLaunched(
  t: ExecutionContext,
  workshop: Workshop,
  name: string,
  out: string,
  err: string,
): void {
  workshop.write('go', '');
  workshop.write('in', "the caller's\n");
  const paths = ['out', 'err'].map((file) => join(workshop.folder, file));
  const stdio = [openSync(join(workshop.folder, 'in'), 'r'), ...paths.map((path) => openSync(path, 'w'))];
  const args = ['--no-fallback', '--store', workshop.store, '--', python, `${name}.py`];
  const { status } = spawnSync(thawExec, args, {
    cwd: workshop.folder,
    env: builtWith,
    timeout: PATIENCE_MS,
    stdio,
  });
  for (const fd of stdio) closeSync(fd);
  rmSync(join(workshop.folder, 'go'));
  const got = paths.map((path) => readFileSync(path, 'utf8'));
  t.is(status, 0, got[1]);
  t.deepEqual(got, [out, err]);
}

function built(t: ExecutionContext, name: string, work: string, atEnd: string, more = ''): Workshop {
  const workshop = new Workshop(t);
  const profile = workshop.profile(
    name,
    warm,
    `import atexit\n@atexit.register\ndef tell():\n${atEnd}\n${work}`,
  );
  if (more !== '') workshop.write(`${name}.toml`, `${readFileSync(profile, 'utf8')}\n${more}\n`);
  const { status, stderr } = workshop.thaw('build', profile);
  t.is(status, 0, stderr);
  return workshop;
}

const lines = (...text: readonly string[]): string => text.map((line) => `    ${line}`).join('\n');

test('errors that the app has sent to a log of its own', (t) => {
  const workshop = built(
    t,
    'logs',
    `kept = os.dup(2)
log = os.open('error.log', os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
os.dup2(log, 2)
os.close(log)
`,
    lines("os.write(2, b'an error\\n')", "os.write(kept, b'to the caller\\n')"),
    appended,
  );
  for (const times of [1, 2]) {
    expectLaunched(t, workshop, 'logs', 'done\n', 'to the caller\n');
    t.is(readFileSync(join(workshop.folder, 'error.log'), 'utf8'), 'an error\n'.repeat(times));
  }
});

test('descriptors that the app has sent to /dev/null', (t) => {
  const workshop = built(
    t,
    'null',
    `null = os.open('/dev/null', os.O_RDWR)
for number in (0, 2): os.dup2(null, number)
os.close(null)
`,
    lines("os.write(2, b'lost\\n')", "os.write(1, b'read %d\\n' % len(os.read(0, 100)))"),
  );
  expectLaunched(t, workshop, 'null', 'done\nread 0\n', '');
});

test('errors that the app has sent to its output, and copies of each', (t) => {
  const workshop = built(
    t,
    'together',
    'copies = [os.dup(n) for n in (0, 1, 2)]\nos.dup2(1, 2)\n',
    lines(
      "os.write(2, b'an error\\n')",
      "os.write(copies[1], b'a copy of 1\\n')",
      "os.write(copies[2], b'a copy of 2\\n')",
      'os.write(1, os.read(copies[0], 100))',
    ),
  );
  expectLaunched(t, workshop, 'together', "done\nan error\na copy of 1\nthe caller's\n", 'a copy of 2\n');
});

test('descriptors that the app has closed', (t) => {
  const workshop = built(
    t,
    'closed',
    'os.close(0)\nos.close(2)\n',
    lines(
      "os.write(1, b'%s\\n' % ''.join(str(n) for n in range(3) if os.path.exists('/proc/self/fd/%d' % n)).encode())",
    ),
  );
  expectLaunched(t, workshop, 'closed', 'done\n1\n', '');
});

test('errors that the app has opened again by name', (t) => {
  const workshop = built(
    t,
    'again',
    `again = os.open('/dev/stderr', os.O_WRONLY | os.O_APPEND)
os.dup2(again, 2)
os.close(again)
`,
    lines("os.write(2, b'an error\\n')"),
  );
  expectLaunched(t, workshop, 'again', 'done\n', 'an error\n');
  t.false(existsSync(join(workshop.folder, 'error.log')));
});
