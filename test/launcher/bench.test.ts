// thaw bench: cold and warm starts of an installed profile, measured.
import test, { type ExecutionContext } from 'ava';

import { Workshop } from './support.js';

const port = 18437;
/** Cold it takes a second until it listens; an image has that behind it. */
const slow = `
time.sleep(1)
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('127.0.0.1', ${port}))
listener.listen()
`;
const warmup = `until = { port = ${port} }`;

interface Report {
  readonly cold: readonly number[];
  readonly warm: readonly number[];
  readonly phases: readonly Readonly<Record<string, number>>[];
}

function built(t: ExecutionContext): Workshop {
  const workshop = new Workshop(t);
  const result = workshop.thaw('build', workshop.profile('app', warmup, slow));
  t.is(result.status, 0, result.stderr);
  return workshop;
}

test('each start is measured; those from the image have the start-up behind them', (t) => {
  const workshop = built(t);
  const result = workshop.thaw('bench', 'app', '--runs', '2', '--trace', '--json');
  t.is(result.status, 0, result.stderr);
  const report = JSON.parse(result.stdout) as Report;
  t.is(report.cold.length, 2);
  t.is(report.warm.length, 2);
  t.true(report.cold.every((ms) => ms >= 1000));
  t.deepEqual(
    report.phases.map((phases) => Object.keys(phases)),
    [1, 2].map(() => ['open', 'unmap', 'map', 'threads', 'feed', 'commit']),
  );
});

test('an app that nothing exercises and that does not end is no subject', (t) => {
  const workshop = new Workshop(t);
  const profile = workshop.profile('app', 'until = { log = "warm$" }\ntimeout = "3s"');
  t.is(workshop.thaw('build', profile).status, 0);
  const result = workshop.thaw('bench', 'app');
  t.is(result.status, 1);
  t.regex(result.stderr, /nothing tells when the app has answered[^]*train\.run/);
});

test('wrong use', (t) => {
  const workshop = new Workshop(t);
  for (const [args, message] of [
    [['app', '--runs', '0'], /--runs: not a count: 0/],
    [[], /NAME is missing/],
  ] as const) {
    const result = workshop.thaw('bench', ...args);
    t.is(result.status, 2);
    t.regex(result.stderr, message);
  }
  t.is(workshop.thaw('bench', 'app').status, 1);
});
