// What thawd tells others: its varlink interface, `thaw daemon ACTION`, and metrics as Prometheus' own library reads them.
import test, { type ExecutionContext } from 'ava';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';

import { entry } from '../../launcher/daemon/told.js';
import { until } from '../engine/support/process.js';
import { Watched } from './daemon_support.js';

/** Sends these bytes on one connection, and reads so many replies. */
async function replies(socket: string, bytes: string, count: number): Promise<unknown[]> {
  const connection = createConnection(socket);
  let text = '';
  connection.setEncoding('utf8').on('data', (part: string) => (text += part));
  await once(connection, 'connect');
  connection.write(bytes);
  await until('replies', () => text.split('\0').length > count || connection.destroyed);
  connection.destroy();
  return text
    .split('\0')
    .filter((each) => each !== '')
    .map((each) => JSON.parse(each) as unknown);
}

const message = (method: string, more: Readonly<Record<string, unknown>> = {}): string =>
  `${JSON.stringify({ method, ...more })}\0`;

test('the varlink interface', async (t) => {
  const app = new Watched(t);
  await app.start();
  t.is(statSync(app.socket).mode & 0o777, 0o600);
  const service = 'org.varlink.service';
  const [info, text, none, method, other, name, broken] = await replies(
    app.socket,
    [
      message(`${service}.GetInfo`),
      message(`${service}.GetInterfaceDescription`, { parameters: { interface: 'thaw.Daemon' } }),
      // Wants no reply.
      message('thaw.Daemon.Resume', { oneway: true }),
      message('thaw.Daemon.Rebuild', { parameters: { name: 'none' } }),
      message('thaw.Daemon.Melt'),
      message('org.example.Other.Status'),
      message('thaw.Daemon.Rebuild', { parameters: {} }),
      'no JSON\0',
    ].join(''),
    7,
  );
  t.like(info, { parameters: { product: 'thawd', interfaces: [service, 'thaw.Daemon'] } });
  const { description } = (text as { readonly parameters: { readonly description: string } }).parameters;
  t.regex(description, /^interface thaw\.Daemon$/m);
  for (const each of ['Status', 'Rebuild', 'Pause', 'Resume', 'Metrics'])
    t.regex(description, new RegExp(`^method ${each}\\(`, 'm'));
  t.deepEqual(none, { error: 'thaw.Daemon.NoSuchProfile', parameters: { name: 'none' } });
  t.deepEqual(method, { error: `${service}.MethodNotFound`, parameters: { method: 'thaw.Daemon.Melt' } });
  t.deepEqual(other, {
    error: `${service}.InterfaceNotFound`,
    parameters: { interface: 'org.example.Other' },
  });
  t.deepEqual(name, { error: `${service}.InvalidParameter`, parameters: { parameter: 'name' } });
  t.deepEqual(broken, { error: `${service}.InvalidParameter`, parameters: { parameter: '' } });
  // What never ends is no call.
  t.deepEqual(await replies(app.socket, 'x'.repeat(100_000), 1), []);
  t.is((await app.status()).state, 'watching');
});

test('thaw daemon status, pause, resume, rebuild', async (t) => {
  const app = new Watched(t);
  const ask = (...words: readonly string[]) => app.workshop.thaw('daemon', '--socket', app.socket, ...words);
  const nobody = ask('status');
  t.is(nobody.status, 1);
  t.regex(nobody.stderr, /cannot reach the daemon at .*\n +is thawd running/);
  await app.start();
  t.regex(app.workshop.thaw('daemon', '--socket', app.socket).stderr, /a daemon runs already/);

  t.is(ask('pause').status, 0);
  app.set('two');
  await app.once('the pause to be in the way', ({ waits }) => waits.some(({ name }) => name === 'paused'));
  const told = ask('status');
  t.regex(told.stdout, /^paused\nNAME .*\napp .* out of date .*config\.txt has changed.*; waits \(paused\)/);
  t.is((JSON.parse(ask('status', '--json').stdout) as { state: string }).state, 'paused');
  t.is(ask('pause', '3600').status, 0);
  t.regex(ask('status').stdout, /^paused until 20/);
  // Who asks for a build gets it.
  t.is(ask('rebuild', 'app').status, 0);
  await app.once('the rebuild', ({ counts }) => counts.rebuilt === 1);
  t.is(ask('resume').status, 0);
  t.regex(ask('status').stdout, /^watching\n.*\napp .* fresh/);
  for (const words of [['melt'], ['rebuild'], ['pause', 'soon']])
    t.is(ask(...words).status, 2, words.join(' '));
  t.regex(ask('rebuild', 'none').stderr, /NoSuchProfile/);
  t.is(await app.stop(), 0);
  t.false(existsSync(app.socket));
});

type Samples = Readonly<Record<string, number>>;

/** By Prometheus' own library (python3-prometheus-client), of Debian's Python. */
function parsed(t: ExecutionContext, text: string): Samples {
  const script = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families
print(json.dumps({
    sample.name + json.dumps(sample.labels, sort_keys=True): sample.value
    for family in text_string_to_metric_families(sys.stdin.read())
    for sample in family.samples
}))`;
  const samples = JSON.parse(
    execFileSync('/usr/bin/python3', ['-c', script], { input: text, encoding: 'utf8' }),
  ) as Samples;
  t.true(Object.keys(samples).length > 8, text);
  return samples;
}

test('metrics', async (t) => {
  const app = new Watched(t);
  app.pressure('cpu', 99);
  await app.start();
  const warm = app.run();
  t.teardown(() => warm.kill('SIGKILL'));
  await app.once('a warm launch', ({ counts }) => counts.warm === 1);
  app.set('two');
  await app.once('the wait', ({ waits }) => waits.length > 0);
  const ways: readonly string[] = [
    readFileSync(app.metricsFile, 'utf8'),
    app.workshop.thaw('daemon', '--socket', app.socket, 'metrics').stdout,
    execFileSync('curl', ['-sf', '--unix-socket', app.metricsSocket, 'http://thawd/metrics'], {
      encoding: 'utf8',
    }),
  ];
  for (const text of ways) {
    const samples = parsed(t, text);
    t.is(samples['thaw_launches_total{"profile": "app", "start": "warm"}'], 1, text);
    t.is(samples['thaw_launches_total{"profile": "app", "start": "cold"}'], 0);
    t.is(samples['thaw_warm_ratio{"profile": "app"}'], 1);
    t.is(samples['thaw_instances{"profile": "app"}'], 1);
    t.is(samples['thaw_image_stale{"profile": "app", "reason": "input"}'], 1, text);
    t.is(samples['thaw_rebuild_waiting{"profile": "app", "reason": "cpu-pressure"}'], 1);
    t.is(samples['thaw_rebuilds_total{"profile": "app", "result": "built"}'], 0);
    const age = samples['thaw_image_age_seconds{"profile": "app"}'] ?? -1;
    t.true(age > 0 && age < 86_400, `${age}`);
    t.true((samples['thaw_image_bytes{"profile": "app"}'] ?? 0) > 100_000);
    t.true((samples['thaw_watched_folders{"watched": "yes"}'] ?? 0) > 1);
  }
  t.is(statSync(app.metricsFile).mode & 0o777, 0o644);
  const missing = ['-s', '-o', '/dev/null', '-w', '%{http_code}', '--unix-socket', app.metricsSocket];
  t.is(execFileSync('curl', [...missing, 'http://thawd/'], { encoding: 'utf8' }), '404');
});

test('an entry of the journal has fields, each in one line', (t) => {
  t.is(
    entry('notice', 'app: out of date', { PROFILE: 'app', ERROR: 'first\nsecond' }),
    'MESSAGE=app: out of date\nPRIORITY=5\nSYSLOG_IDENTIFIER=thawd\nTHAW_PROFILE=app\nTHAW_ERROR=first | second\n',
  );
});
