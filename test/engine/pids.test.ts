// The pid of a launch: it is a new one, and what an app keeps of it is corrected (the row own_ids). Here: the very pid of the
// checkpoint, and the pid that is asked for.
import test from 'ava';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { expectSuccess, withApp } from './support/check.js';
import { self } from './support/identity.js';
import { apps, workFolder } from './support/paths.js';
import { until } from './support/process.js';

const isRoot = process.getuid?.() === 0;

test('a caller that has the pid of the checkpoint gets its app cold', (t) =>
  withApp(t, { app: 'actor' }, self, async (app) => {
    await app.start();
    const wrapper = [join(apps, 'with_pid'), String(app.running.pid)];
    await app.checkpoint();
    app.release(['exit 0']);
    const refused = await app.launch({ wrapper }).outcome;
    if (refused.code === 77) {
      t.log('no pid can be chosen here');
      t.pass();
      return;
    }
    t.is(refused.code, 125, refused.stderr);
    t.regex(refused.stderr, /the very pid that the app had at the checkpoint/);
    expectSuccess(t, 'the cold start', await app.launch({ wrapper, flags: [] }).outcome);
    expectSuccess(t, 'a launch with another pid', await app.launch().outcome);
  }));

(isRoot ? test : test.skip)('SIGKILL of what stands for an app with a kept pid ends the app, too', (t) =>
  withApp(t, { app: 'actor' }, self, async (app) => {
    await app.start();
    const { pid } = app.running;
    await app.checkpoint();
    const launched = await app.launchAndHold({ flags: ['--no-fallback', '--keep-pid'] });
    t.not(launched.pid, pid);
    t.notThrows(() => process.kill(pid, 0));
    process.kill(launched.pid, 'SIGKILL');
    await launched.outcome;
    await until('the app to end', () => !isAlive(pid));
    t.pass();
  }),
);

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

test('a pid file that the app has closed is made anew by policy', (t) => {
  const file = join(workFolder('pids'), `${process.pid}.pid`);
  t.teardown(() => {
    rmSync(file, { force: true });
  });
  return withApp(t, { app: 'actor', args: [file] }, self, async (app) => {
    await app.start();
    writeFileSync(file, `${app.running.pid}\n`);
    await app.checkpoint({ policies: [{ type: 'file', path: '*.pid', action: 'pid' }] });
    rmSync(file);
    const launched = await app.launchAndHold();
    t.is(readFileSync(file, 'utf8'), `${launched.pid}\n`);
    app.release(['exit 0']);
    expectSuccess(t, 'the launch', await launched.outcome);
  });
});
