// Each trigger tells when the app is warm: not before, and the image goes on from there.
import test from 'ava';
import { chmodSync } from 'node:fs';

import { Workshop } from './support.js';

interface Row {
  readonly until: string;
  /** What the app does to be warm. */
  readonly work: string;
}

const rows: Readonly<Record<string, Row>> = {
  port: {
    until: '{ port = 18457 }',
    work: "time.sleep(0.2)\ns = socket.socket()\ns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\ns.bind(('127.0.0.1', 18457))\ns.listen()",
  },
  log: { until: '{ log = "^ready [0-9]+$" }', work: "time.sleep(0.2)\nprint('ready 7', flush=True)" },
  notify: {
    until: '{ notify = true }',
    work: "notify('STATUS=loading')\ntime.sleep(0.2)\nnotify('STATUS=x\\nREADY=1')",
  },
  idle: { until: '{ idle = "300ms" }', work: 'end = time.time() + 0.3\nwhile time.time() < end: pass' },
  delay: { until: '{ delay = "1s" }', work: 'time.sleep(0.1)' },
  file: { until: '{ file = "ready" }', work: "time.sleep(0.2)\nopen('ready', 'w').close()" },
};

for (const [name, { until, work }] of Object.entries(rows))
  test(name, (t) => {
    const workshop = new Workshop(t);
    const toml = workshop.profile(name, `until = ${until}\nsettle = "100ms"`, work);
    const build = workshop.thaw('build', toml);
    t.is(build.status, 0, build.stderr);
    // Warm is behind the work: a launch prints what comes after it, and nothing of what came before.
    const launched = workshop.launch(name);
    t.is(launched.stdout, 'done\n', launched.stderr);
  });

test('a file of an earlier run is no sign', (t) => {
  const workshop = new Workshop(t);
  workshop.write('ready', '');
  const toml = workshop.profile('stale', 'until = { file = "ready" }\ntimeout = "500ms"');
  const build = workshop.thaw('build', toml);
  t.is(build.status, 1);
  t.regex(build.stderr, /not done after 0\.5 s/);
});

test('an app that cannot be started is not waited for', (t) => {
  const workshop = new Workshop(t);
  chmodSync(workshop.write('app', 'no program'), 0o755);
  const toml = workshop.write(
    'app.toml',
    'name = "app"\nprogram = "./app"\n[warmup]\nuntil = { notify = true }\n',
  );
  const build = workshop.thaw('build', toml);
  t.is(build.status, 1, build.stderr);
  t.regex(build.stderr, /app: cannot execute it: Exec format error/);
});
