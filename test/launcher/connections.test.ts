// Real clients that are connected when their image is made: what each action for a connection means to them.
import test, { type ExecutionContext } from 'ava';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { thawExec } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { Workshop, builtWith } from './support.js';

/** Resolves when the server has printed a line that matches; it ends with the test. */
async function started(t: ExecutionContext, server: ChildProcess, line: RegExp): Promise<void> {
  t.teardown(() => server.kill('SIGKILL'));
  if (server.stdout === null) throw new Error('the server has no output');
  for await (const text of createInterface(server.stdout)) if (line.test(text)) return;
  throw new Error('the server has ended');
}

function launch(workshop: Workshop, command: readonly string[], input = ''): string {
  const { stdout, stderr } = spawnSync(thawExec, ['--store', workshop.store, '--', ...command], {
    cwd: workshop.folder,
    encoding: 'utf8',
    input,
    timeout: PATIENCE_MS,
    env: { ...builtWith, THAW_LOG: 'warn' },
  });
  return stderr + stdout;
}

const policy = (port: number, action: string): string =>
  `[[policies]]\ntype = "socket"\npath = "127.0.0.1:${port}"\naction = "${action}"\n`;

/** As redis-cli does when the server goes, it fails once, and connects again for the next command. */
const answers = {
  close: 'Error: Server closed the connection\nOK\nvalue\n',
  reconnect: 'PONG\nOK\nvalue\n',
};

test('a Redis client', async (t) => {
  const port = 18_470;
  await started(t, spawn('redis-server', ['--port', String(port), '--save', '']), /ready to accept/i);
  const workshop = new Workshop(t);
  for (const [action, answer] of Object.entries(answers)) {
    const toml = workshop.write(
      'client.toml',
      `name = "client"\nprogram = "/usr/bin/redis-cli"\nargs = ["-p", "${port}"]
[warmup]\nuntil = { delay = "100ms" }\nstdin = "open"\n[prove]\nrun = []\n${policy(port, action)}`,
    );
    const built = workshop.thaw('build', toml);
    t.is(built.status, 0, built.stderr);
    const client = ['/usr/bin/redis-cli', '-p', String(port)];
    t.is(launch(workshop, client, 'PING\nSET key value\nGET key\n'), answer, action);
  }
});

/** Answers with the number of the connection, on three ports. */
const httpServer = `let connections = 0, up = 0;
for (const port of [18474, 18475, 18476])
  require('http').createServer({ keepAliveTimeout: 60000 }, (request, response) => response.end(String(request.socket.number)))
    .on('connection', (socket) => { socket.number = ++connections; })
    .listen(port, '127.0.0.1', () => { if (++up === 3) console.log('up'); });
`;

const httpClient = `const http = require('http'), fs = require('fs');
const agent = new http.Agent({ keepAlive: true });
const get = (port) => new Promise((resolve, reject) => {
  const request = http.get({ port, host: '127.0.0.1', agent }, (response) => {
    let body = '';
    response.on('data', (data) => { body += data; });
    response.on('end', () => resolve((request.reusedSocket ? 'reused' : 'new') + ' ' + (Number(body) > 3 ? 'later' : 'first')));
  });
  request.on('error', (error) => resolve(error.code));
});
const all = async () => { for (const port of [18474, 18475, 18476]) console.log(await get(port)); };
(async () => {
  await all();
  await all();
  console.log('warm');
  const wait = () => new Promise((resolve) => setTimeout(resolve, 50));
  while (!fs.existsSync('go')) await wait();
  await wait(); // As long as it takes to hear of ends: a request before that may be lost, as on any connection.
  await all();
  process.exit();
})();
`;

test('a pool of HTTP connections', async (t) => {
  await started(t, spawn(process.execPath, ['-e', httpServer]), /up/);
  const workshop = new Workshop(t);
  const app = workshop.write('client.cjs', httpClient);
  const toml = workshop.write(
    'client.toml',
    `name = "client"\nprogram = "${process.execPath}"\nargs = ["${app}"]
[warmup]\nuntil = { log = "^warm" }\n[prove]\nrun = []
[inputs]\nignore = ["go"]\n${policy(18_474, 'close')}${policy(18_475, 'reset')}${policy(18_476, 'reconnect')}`,
  );
  const built = workshop.thaw('build', toml);
  t.is(built.status, 0, built.stderr);
  workshop.write('go', '');
  t.is(launch(workshop, [process.execPath, app]), 'new later\nnew later\nreused later\n');
});

test('what has come and was not read would not come on a new connection', async (t) => {
  const server =
    "require('net').createServer((socket) => socket.write('hello')).listen(18473, () => console.log('up'))";
  await started(t, spawn(process.execPath, ['-e', server]), /up/);
  const workshop = new Workshop(t);
  const work = "s = socket.create_connection(('127.0.0.1', 18473))\ns.recv(1, socket.MSG_PEEK)\n";
  const toml = workshop.profile('unread', 'until = { log = "warm$" }', work, 'adapter = "none"');
  const built = (action: string): string => {
    workshop.write('unread.toml', `${readFileSync(toml, 'utf8').split('[[')[0]}${policy(18_473, action)}`);
    return workshop.thaw('build', toml).stderr;
  };
  t.regex(built('reconnect'), /with data not yet read[\s\S]*"close" {2}# or "reset", "ignore"/);
  t.notRegex(built('reset'), /not yet read/);
});
