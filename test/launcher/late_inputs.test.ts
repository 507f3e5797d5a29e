// Many inputs are compared beside the launch: a change that is found late still ends in a cold start which names it.
import test, { type ExecutionContext } from 'ava';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

import { apps } from '../engine/support/paths.js';
import { Fixture } from './fixture.js';
import { python } from './support.js';

const FILES = 600;

/** Says if it has a child that it does not know, or nobody can connect to it. */
const app = `import os, socket, time; print('warming', flush=True)
server = socket.create_server(('127.0.0.1', 0))
print('warm', flush=True)
while not os.path.exists('go'): time.sleep(0.001)
socket.create_connection(server.getsockname()).sendall(b'x'); server.accept()
try: print('child', os.waitpid(-1, os.WNOHANG | 0x40000000), flush=True)
except ChildProcessError: print('done', flush=True)
`;

/** Files in a folder that is compared last. */
function manyFiles(t: ExecutionContext): (number: number, text: string) => string {
  const folder = mkdtempSync('/var/tmp/thaw-late-');
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const write = (number: number, text: string): string => {
    const path = join(folder, String(number).padStart(4, '0'));
    writeFileSync(path, text);
    return path;
  };
  for (let i = 0; i < FILES; i++) write(i, 'one\n');
  return write;
}

// With one CPU, nothing is compared beside anything.
(availableParallelism() > 1 ? test : test.skip)(
  'inputs that are compared until the memory is mapped',
  (t) => {
    const write = manyFiles(t);
    const folder = join(write(0, 'one\n'), '..');
    const fixture = new Fixture();
    t.teardown(() => {
      fixture.remove();
    });
    fixture.write('app.py', app);
    fixture.build(
      t,
      'late',
      `name = "late"
program = "${python}"
args = ["app.py"]
inputs = { add = ["${folder}/*"] }
[warmup]
until = { log = "warm$" }
`,
    );
    const request = join(fixture.store, 'profiles', 'late', 'rebuild');
    const launch = (fate: 'go' | 'kill') => {
      const launched = fixture.launchUnder([join(apps, 'late_helper'), fate], python, 'app.py');
      t.true(launched.stdout.includes('done'), `${launched.stdout}${launched.stderr}`);
      return launched;
    };

    const same = launch('go');
    t.true(same.warm, same.stderr);

    const killed = launch('kill');
    t.false(killed.warm);
    t.regex(killed.stderr, /a process that compares the inputs was ended.*; starting cold/);
    t.false(existsSync(request));

    const last = write(FILES - 1, 'another\n');
    const changed = launch('go');
    t.false(changed.warm);
    t.is(changed.stderr.split(`${last} has changed since the image was made`).length, 2, changed.stderr);
    t.true(existsSync(request));
  },
);
