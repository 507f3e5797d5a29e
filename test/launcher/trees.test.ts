// Apps of several processes, from `thaw build` to their launch: a pipeline of a shell, workers of Python, a cluster of Node.js.
import test, { type ExecutionContext } from 'ava';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, renameSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';

import { thawExec } from '../engine/support/paths.js';
import { processesOf } from '../engine/support/tree.js';
import { endService, launchService, writeService } from './service.js';
import { Workshop, buildWithLargePid, builtWith, freePort, python } from './support.js';

function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', agent: false }, (answer) => {
      let text = '';
      answer.on('data', (part: Buffer) => (text += part.toString()));
      answer.on('end', () => {
        resolve(text.trim());
      });
    }).on('error', reject);
  });
}

async function expectNothingLeft(t: ExecutionContext, workshop: Workshop): Promise<void> {
  for (let i = 0; i < 100 && processesOf(workshop.folder).length > 0; i++) await setTimeout(20);
  t.deepEqual(processesOf(workshop.folder), []);
}

test('a pipeline of three programs', (t) => {
  const workshop = new Workshop(t);
  const pipeline = "echo warm; cat -u | sed -u 's/a/b/' | grep --line-buffered b";
  const profile = workshop.write(
    'pipeline.toml',
    `name = "pipeline"
program = "/bin/sh"
args = ["-c", ${JSON.stringify(pipeline)}]
[warmup]
until = { log = "warm$" }
stdin = "open"
settle = "300ms"
[prove]
run = []
`,
  );
  if (buildWithLargePid(t, workshop, profile) === undefined) return;
  for (const input of ['a\nx\naa\n', '', 'bab\n'.repeat(1000)]) {
    const launched = workshop.run('/bin/sh', ['-c', pipeline], input);
    const expected = spawnSync('/bin/sh', ['-c', pipeline], { input, encoding: 'utf8' });
    t.is(`warm\n${launched.stdout}`, expected.stdout);
    t.is(launched.status, expected.status, launched.stderr);
    t.notRegex(launched.stderr, /starting cold/);
  }
});

const WORKERS = `
import os, signal, socket, sys
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('127.0.0.1', int(sys.argv[1])))
server.listen(16)
master = os.getpid()
workers = []
def serve():
    while True:
        client, _ = server.accept()
        client.recv(4096)
        fit = os.getppid() == master
        client.sendall(f'HTTP/1.0 200 OK\\r\\n\\r\\n{os.getpid()} {master} {fit}'.encode())
        client.close()
for _ in range(4):
    pid = os.fork()
    if pid == 0: serve()
    workers.append(pid)
def end(signal_number, frame):
    for pid in workers: os.kill(pid, signal.SIGTERM)
    statuses = [os.waitpid(pid, 0)[1] for pid in workers]
    print('all ended by', set(statuses), flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
print('ready', flush=True)
while True: signal.pause()
`;

const CLUSTER = `
const cluster = require('node:cluster');
const http = require('node:http');
if (cluster.isPrimary) {
  let ready = 0;
  const workers = [cluster.fork(), cluster.fork()];
  cluster.on('listening', () => { if (++ready === workers.length) console.log('ready'); });
  process.on('SIGTERM', () => {
    for (const worker of workers) worker.process.kill('SIGTERM');
    let left = workers.length;
    cluster.on('exit', (worker, code, signal) => {
      if (--left > 0) return;
      console.log('all ended by', signal);
      process.exit(0);
    });
  });
} else
  http.createServer((request, answer) => {
    answer.end(process.pid + ' ' + process.ppid + ' ' + cluster.worker.id);
  }).listen(Number(process.argv[2]), '127.0.0.1');
`;

test('workers that Python has forked', async (t) => {
  const workshop = new Workshop(t);
  const port = await freePort();
  const script = workshop.write('workers.py', WORKERS);
  const profile = writeService(workshop, { name: 'workers', program: python, args: [script, String(port)] });
  const build = buildWithLargePid(t, workshop, profile);
  if (build === undefined) return;
  t.regex(build.stderr, /other processes than the app's first run python/);
  for (let i = 0; i < 2; i++) {
    const running = launchService(workshop, python, [script, String(port)]);
    for (let n = 0; n < 6; n++) {
      const [pid = '', master, fit] = (await retried(() => ask(port))).split(' ');
      t.is(master, String(running.pid));
      t.is(fit, 'True');
      t.not(pid, master);
    }
    const { code, stdout } = await endService(running);
    t.deepEqual([code, stdout], [0, 'all ended by {15}\n']);
    await expectNothingLeft(t, workshop);
  }
});

test('a cluster of Node.js', async (t) => {
  const workshop = new Workshop(t);
  const port = await freePort();
  const script = workshop.write('cluster.cjs', CLUSTER);
  const profile = writeService(workshop, {
    name: 'cluster',
    program: process.execPath,
    args: [script, String(port)],
    warmup: `run = ["curl -sf http://127.0.0.1:${port}/"]`,
  });
  if (buildWithLargePid(t, workshop, profile) === undefined) return;
  for (let i = 0; i < 2; i++) {
    const running = launchService(workshop, process.execPath, [script, String(port)]);
    const workers = new Set<string>();
    for (let n = 0; n < 6; n++) {
      const [pid, parent, id] = (await retried(() => ask(port))).split(' ');
      t.is(parent, String(running.pid));
      workers.add(`${pid} ${id}`);
    }
    t.is(workers.size, 2);
    const { code, stdout } = await endService(running);
    t.deepEqual([code, stdout], [0, 'all ended by SIGTERM\n']);
    await expectNothingLeft(t, workshop);
  }
});

const SERVICE = `
import os, signal
for i in range(600):  # So many inputs are compared beside the launch.
    os.path.exists(f'/nowhere/{i}')
state = open('state').read()
child = os.fork()
if child == 0:
    while True: signal.pause()
def end(signal_number, frame):
    os.kill(child, signal.SIGTERM)
    first = os.waitpid(-1, 0)
    try: more = os.waitpid(-1, 0)
    except ChildProcessError: more = None
    print(state, first == (child, signal.SIGTERM), more, flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
print('ready', flush=True)
while True: signal.pause()
`;

const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True: print(s.recv(100).decode(), flush=True)
`;

test('the next store is tried: nothing of the first attempt is left, and the app is ready once', async (t) => {
  const workshop = new Workshop(t);
  // In another folder: the names in the app's are inputs.
  const other = new Workshop(t);
  const script = workshop.write('service.py', SERVICE);
  const profile = writeService(workshop, { name: 'service', program: python, args: [script] });
  workshop.write('state', 'old');
  if (buildWithLargePid(t, workshop, profile) === undefined) return;
  renameSync(workshop.store, other.store);
  workshop.write('state', 'new');
  if (buildWithLargePid(t, workshop, profile) === undefined) return;

  const address = join(other.folder, 'notify');
  const listener = spawn(python, ['-c', LISTENER, address], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => listener.kill());
  const heard: string[] = [];
  createInterface(listener.stdout).on('line', (line) => heard.push(line));
  while (heard.length < 1) await setTimeout(10);

  const options = ['--no-fallback', '--notify', '--store', other.store, '--store', workshop.store];
  const running = spawn(thawExec, [...options, '--', python, script], {
    cwd: workshop.folder,
    env: { ...builtWith, NOTIFY_SOCKET: address, THAW_LOG: 'warn' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  running.stderr.on('data', (part: Buffer) => (said += part.toString()));
  while (heard.length < 2 && running.exitCode === null) await setTimeout(10);
  // Beside whoever watches the launch.
  const apps = processesOf(workshop.folder).filter((line) => !line.includes(thawExec));
  t.is(apps.length, 2, apps.join('\n'));
  const { code, stdout } = await endService(running);
  t.deepEqual([code, stdout], [0, 'new True None\n'], said);
  t.regex(said, /^thaw-exec: \S+state has changed since the image was made.*; trying the next store\n$/);
  await expectNothingLeft(t, workshop);
  t.deepEqual(heard, ['bound', 'READY=1']);
  t.false(existsSync(join(other.store, 'profiles/service/rebuild')), 'there is a newer image');
});

async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let i = 0; ; i++)
    try {
      return await work();
    } catch (error) {
      if (i === 200) throw error;
      await setTimeout(10);
    }
}

const FAILING = `
import os, signal, sys
try: import thaw_hooks
except ImportError: thaw_hooks = None  # A cold start has no adapter.
print('children', open(f'/proc/self/task/{os.getpid()}/children').read(), flush=True)
master = os.getpid()
def fork(then):
    pid = os.fork()
    if pid: return pid
    then()
    while True: signal.pause()
fork(lambda: fork(lambda: None))
ended = fork(lambda: os._exit(3))
os.waitid(os.P_PID, ended, os.WEXITED | os.WNOWAIT)
def fail():
    if os.path.exists('fail'): raise ValueError('as asked')
if thaw_hooks: thaw_hooks.after_restore(fail)
print('ready', flush=True)
if os.path.exists('fail'):
    signal.signal(signal.SIGTERM, lambda *_: None)
    os.killpg(0, signal.SIGTERM)
    os._exit(0)
while not os.path.exists('go'): pass
os._exit(7)
`;

test('a hook that fails: the app starts cold, and its other processes are gone', async (t) => {
  const workshop = new Workshop(t);
  const script = workshop.write('failing.py', FAILING);
  const profile = writeService(workshop, {
    name: 'failing',
    program: python,
    args: [script],
    more: `[inputs]\nignore = ["${workshop.folder}/fail", "${workshop.folder}/go"]`,
  });
  const build = buildWithLargePid(t, workshop, profile);
  if (build === undefined) return;
  t.is(build.status, 0, build.stderr);
  workshop.write('fail', '');
  const { status, stdout, stderr } = spawnSync(
    'setsid',
    ['--wait', thawExec, '--no-fallback', '--store', workshop.store, '--', python, script],
    { cwd: workshop.folder, env: builtWith, encoding: 'utf8' },
  );
  t.is(status, 125, stderr);
  t.is(stdout, '');
  await expectNothingLeft(t, workshop);
  const cold = spawnSync('setsid', ['--wait', thawExec, '--store', workshop.store, '--', python, script], {
    cwd: workshop.folder,
    env: { ...builtWith, THAW_LOG: 'info' },
    encoding: 'utf8',
  });
  t.is(cold.status, 0, cold.stderr);
  t.regex(cold.stderr, /as asked/);
  t.is(cold.stdout, 'children \nready\n');
  await expectNothingLeft(t, workshop);
});

test('a number that equals a pid by chance: the app is started once more', (t) => {
  const workshop = new Workshop(t);
  const work = `import atexit, signal
child = os.fork()
if child == 0: time.sleep(3600)
atexit.register(lambda: os.kill(child, signal.SIGKILL))
noise = bytearray(os.urandom(1 << 16))
if not os.path.exists('count'):
    open('count', 'w').close()
    for i in range(512, len(noise), 4096): noise[i:i + 4] = child.to_bytes(4, sys.byteorder)
`;
  const warm = 'until = { log = "warm$" }\nsettle = "300ms"\n[inputs]\nignore = ["count"]';
  const built = buildWithLargePid(t, workshop, workshop.profile('chance', warm, work));
  if (built === undefined) return;
  t.regex(built.stderr, /warning {2}a number at [0-9a-f]+ .*may be the pid of process \d+ .*: once more/);
  const { status, stdout, stderr } = workshop.launch('chance');
  t.is(status, 0, stderr);
  t.is(stdout, 'done\n');
  t.is(stderr, '');
});
