// How a build treats its app: it is asked to end, it ends with a build that is killed, and no build waits for one that has died.
import test from 'ava';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { cli } from '../engine/support/paths.js';
import { until } from '../engine/support/process.js';
import { isAlive } from '../engine/support/status.js';
import { killAll } from '../engine/support/tree.js';
import { Workshop } from './support.js';

const warm = 'until = { log = "^warm$" }\nsettle = "20ms"';

/** Starts a daemon, which is no child of the app any more, that does `work` and leaves its pid in the file `daemon`. */
const daemon = (work: string): string => `
import signal, threading
app = os.getpid()
sys.stdout.flush()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        nothing = os.open('/dev/null', os.O_RDWR)
        for number in range(3): os.dup2(nothing, number)
        os.close(nothing)
        open('daemon', 'w').write(str(os.getpid()))
        ${work}
    os._exit(0)
os.wait()
wait_for('daemon')
`;

test('a build that is killed takes its app along, and what the app has started', async (t) => {
  const workshop = new Workshop(t);
  const work = `${daemon('time.sleep(600)')}open('app', 'w').write(str(app))`;
  const toml = workshop.profile('app', `${warm}\nrun = ["sleep 60"]`, work);
  const build = spawn(process.execPath, [cli, 'build', '--store', workshop.store, toml], {
    cwd: workshop.folder,
    stdio: 'ignore',
  });
  const pidIn = (name: string): number => Number(readFileSync(join(workshop.folder, name), 'utf8'));
  await until('the app to run', () => existsSync(join(workshop.folder, 'app')) && pidIn('app') > 0);
  const pids = [pidIn('app'), pidIn('daemon')];
  t.true(pids.every(isAlive));
  build.kill('SIGKILL');
  await once(build, 'exit');
  await until('the app to end', () => !pids.some(isAlive)).catch(() => undefined);
  const left = pids.filter(isAlive);
  killAll(left);
  t.deepEqual(left, []);
});

test('what a killed build has left goes at the next one', (t) => {
  const workshop = new Workshop(t);
  const toml = workshop.profile('app', warm);
  t.is(workshop.thaw('build', toml).status, 0);
  const folder = join(workshop.store, 'profiles', 'app');
  const names = readdirSync(folder).filter((name) => !/^[0-9a-f]+\.thaw$/.test(name));
  const gone = 4194305; // Above the kernel's limit for pids.
  for (const left of [`.new-${gone}.thaw`, `.new-${gone}.thaw.${gone}.tmp`, `definition.json.${gone}`])
    writeFileSync(join(folder, left), 'half');
  t.is(workshop.thaw('build', toml).status, 0);
  t.deepEqual(
    readdirSync(folder).filter((name) => !/^[0-9a-f]+\.thaw$/.test(name)),
    names,
  );
});

test('an app that is killed while it stands still does not hold the build up', (t) => {
  const workshop = new Workshop(t);
  const killer = `
        while True:
            with open('/proc/%d/status' % app) as status:
                if 'tracing stop' in status.read(): os.kill(app, signal.SIGKILL); os._exit(0)
`;
  const threads = `
held = bytearray(os.urandom(1)) * (64 << 20)
for _ in range(3): threading.Thread(target=lambda: time.sleep(600), daemon=True).start()
`;
  const build = workshop.thaw('build', workshop.profile('app', warm, daemon(killer.trim()) + threads));
  t.is(build.signal, null, 'the build did not end');
  t.is(build.status, 1, build.stderr);
});

test('an app whose build is refused is asked to end, and gets the time for it', (t) => {
  const workshop = new Workshop(t);
  const work = `
import signal
def end(*_):
    time.sleep(0.3)
    open('ended well', 'w').close()
    os._exit(0)
signal.signal(signal.SIGTERM, end)
kept = open('state.db', 'w')
`;
  const build = workshop.thaw('build', workshop.profile('app', warm, work));
  t.is(build.status, 1, build.stderr);
  t.regex(build.stderr, /state\.db/);
  t.true(existsSync(join(workshop.folder, 'ended well')));
});

test('children that no image can hold are found before the commands of the warm-up run', (t) => {
  const workshop = new Workshop(t);
  const work = `
import os, subprocess
leader = subprocess.Popen(['sleep', '60'], preexec_fn=lambda: os.setpgid(0, 0))
child = subprocess.Popen(['sleep', '60'], preexec_fn=lambda: os.setpgid(0, leader.pid))
leader.kill()
leader.wait()
`;
  const build = workshop.thaw('build', workshop.profile('app', `${warm}\nrun = ["touch ran"]`, work));
  t.is(build.status, 1, build.stderr);
  t.regex(build.stderr, /\(sleep\)[^]*whose leader has ended/);
  t.false(existsSync(join(workshop.folder, 'ran')));
});

test('a child that the start of the app needed is no obstacle', (t) => {
  const workshop = new Workshop(t);
  const work = `
import subprocess, threading
child = subprocess.Popen(['sleep', '0.3'])
waiter = threading.Thread(target=child.wait)
waiter.start()
`;
  const build = workshop.thaw('build', workshop.profile('app', `${warm}\nrun = ["true"]`, work));
  t.is(build.status, 0, build.stderr);
});
