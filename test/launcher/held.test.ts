// Triggers that hold the app at the entry of a system call: the call is made anew by each launch.
import test, { type ExecutionContext } from 'ava';
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { apps, thawExec } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { Workshop, builtWith, python } from './support.js';

/** Says `text` to each connection, from a process of its own: the tests wait for launches. */
async function serve(t: ExecutionContext, address: string, text: string): Promise<void> {
  const script = `import os, socket, sys
address, text = sys.argv[1:]
if ':' in address:
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    host, port = address.split(':')
    s.bind((host, int(port)))
else:
    s = socket.socket(socket.AF_UNIX)
    s.bind(address.replace('@', '\\0', 1))
s.listen()
print('listens', flush=True)
while True:
    c = s.accept()[0]
    c.sendall(text.encode())
    c.close()
`;
  const server: ChildProcessWithoutNullStreams = spawn(python, ['-c', script, address, text]);
  t.teardown(() => server.kill('SIGKILL'));
  await once(server.stdout, 'data');
}

/** Launches what no file `go` ends. */
function launchProgram(workshop: Workshop, program: string, args: readonly string[]): string {
  const command = ['--store', workshop.store, '--', program, ...args];
  const env = { ...builtWith, THAW_LOG: 'warn' };
  const { stdout, stderr } = spawnSync(thawExec, command, {
    cwd: workshop.folder,
    encoding: 'utf8',
    timeout: PATIENCE_MS,
    env,
  });
  return stderr + stdout;
}

test('a path that is opened', (t) => {
  const workshop = new Workshop(t);
  workshop.write('late.txt', 'first');
  const warmup = 'until = { syscall = { name = "openat", path = "late.*" } }';
  const toml = workshop.profile('opens', warmup, "print(open('late.txt').read(), flush=True)");
  const build = workshop.thaw('build', toml);
  t.is(build.status, 0, build.stderr);
  t.regex(build.stderr, /adapter: none: no code of the app runs where it is held/);
  // Nothing of the file is in the image, so that it is no input.
  workshop.write('late.txt', 'second');
  t.is(workshop.launch('opens').stdout, 'second\nwarm\ndone\n');
});

test('a file that is opened, whatever call it takes', (t) => {
  const workshop = new Workshop(t);
  mkdirSync(join(workshop.folder, 'device'));
  const libc = 'import ctypes\nlibc = ctypes.CDLL(None)\n';
  const calls = {
    openat: "print(open('device/card0').read(), flush=True)",
    ...(process.arch === 'x64'
      ? { open: `${libc}print(os.read(libc.syscall(2, b'device/card0', 0), 9).decode(), flush=True)` }
      : {}),
    openat2: `import struct\n${libc}print(os.read(libc.syscall(437, -100, b'device/card0', struct.pack('QQQ', 0, 0, 0), 24), 9).decode(), flush=True)`,
  };
  for (const [name, work] of Object.entries(calls)) {
    workshop.write('device/card0', 'first');
    const toml = workshop.profile(name, 'until = { open = "device/*" }', `open(__file__).close()\n${work}`);
    const build = workshop.thaw('build', toml);
    t.is(build.status, 0, build.stderr);
    workshop.write('device/card0', 'second');
    t.is(workshop.launch(name).stdout, 'second\nwarm\ndone\n', name);
  }
});

test('a server in $XDG_RUNTIME_DIR that comes after the build', async (t) => {
  const workshop = new Workshop(t);
  const folder = join(workshop.folder, 'run');
  mkdirSync(folder);
  const env = { XDG_RUNTIME_DIR: folder };
  const work = `s = socket.socket(socket.AF_UNIX)
s.settimeout(7)
try:
    s.connect('run/display-0')
    print('connected', s.recv(9).decode(), s.gettimeout(), flush=True)
except OSError as error: print(error, flush=True)
`;
  const more = `env = { XDG_RUNTIME_DIR = "${folder}" }`;
  const toml = workshop.profile('shows', 'until = { connect = "display-0" }', work, more);
  const build = workshop.thaw('build', toml);
  t.is(build.status, 0, build.stderr);
  t.is(workshop.launch('shows', env).stdout, '[Errno 2] No such file or directory\nwarm\ndone\n');
  await serve(t, join(folder, 'display-0'), 'here');
  for (const launched of [workshop.launch('shows', env), workshop.launch('shows', env)])
    t.is(launched.stdout, 'connected here 7.0\nwarm\ndone\n', launched.stderr);
  const cold = workshop.launch('shows', { ...env, HOME: '/elsewhere' });
  t.is(cold.stdout, 'warming\nconnected here 7.0\nwarm\ndone\n', cold.stderr);
});

test('a thread that gets signals meanwhile', async (t) => {
  const workshop = new Workshop(t);
  const program = join(apps, 'held_call');
  const address = `@held-${workshop.folder}`;
  const toml = workshop.write(
    'app.toml',
    `name = "app"\nprogram = "${program}"\nargs = ["${address}"]\n[warmup]\nuntil = { connect = "${address}" }\n[prove]\nrun = []\n`,
  );
  await serve(t, address, 'here');
  const build = workshop.thaw('build', toml);
  t.is(build.status, 0, build.stderr);
  const expected = 'error 0, read here, buffer 80000, mask same, fd flags 1\n' + 'handled some\n';
  t.is(launchProgram(workshop, program, [address]), expected);
});

test('a Node.js client', async (t) => {
  const workshop = new Workshop(t);
  const address = '127.0.0.1:18461';
  const app = workshop.write(
    'client.cjs',
    `console.log('cold');
const s = require('net').connect(18461, '127.0.0.1');
s.on('data', (data) => console.log('got ' + data));
s.on('error', (error) => console.log(error.code));
s.on('close', () => console.log('closed'));
`,
  );
  const toml = workshop.write(
    'app.toml',
    `name = "client"\nprogram = "${process.execPath}"\nargs = ["${app}"]\n[warmup]\nuntil = { connect = "${address}" }\n`,
  );
  const build = workshop.thaw('build', toml);
  t.is(build.status, 0, build.stderr);
  t.is(launchProgram(workshop, process.execPath, [app]), 'ECONNREFUSED\nclosed\n');
  await serve(t, address, 'rows');
  t.is(launchProgram(workshop, process.execPath, [app]), 'got rows\nclosed\n');
});

test('a thread with a seccomp filter is not held', (t) => {
  const workshop = new Workshop(t);
  // A filter that allows everything (SECCOMP_RET_ALLOW).
  const work = `import ctypes, struct
code = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0x7fff0000))
class Program(ctypes.Structure): _fields_ = [('size', ctypes.c_ushort), ('code', ctypes.c_void_p)]
prctl = ctypes.CDLL(None).prctl
assert prctl(38, 1, 0, 0, 0) == 0
assert prctl(22, 2, ctypes.byref(Program(1, ctypes.addressof(code)))) == 0
try: socket.socket(socket.AF_UNIX).connect('${join(workshop.folder, 'none')}')
except OSError: pass
`;
  const until = `until = { connect = "${join(workshop.folder, 'none')}" }`;
  const { status, stderr } = workshop.thaw('build', workshop.profile('filtered', until, work));
  t.is(status, 1);
  t.regex(stderr, /has a seccomp filter, under which it cannot be held/);
});

test('what cannot be awaited', (t) => {
  const workshop = new Workshop(t);
  const refused = (until: string, more = ''): string => {
    const { status, stderr } = workshop.thaw('build', workshop.profile('no', `until = ${until}`, '', more));
    t.is(status, 1);
    return stderr;
  };
  t.regex(refused('{ syscall = { name = "opne" } }'), /this CPU has no system call 'opne'/);
  t.regex(refused('{ syscall = { name = "getpid", path = "/x" } }'), /no path that .* 'getpid' takes/);
  t.regex(refused('{ open = "/dev/none/*" }\ntimeout = "300ms"'), /not done after 0\.3 s/);
  t.regex(refused('{ connect = "wayland-0" }'), /\$XDG_RUNTIME_DIR, which is not set[\s\S]*env = \{/);
  t.regex(
    refused('{ connect = "localhost:80" }'),
    /until\.connect is "localhost:80"[\s\S]*127\.0\.0\.1:6379/,
  );
  t.regex(refused('{ connect = "/x" }', 'inputs.watch = false'), /inputs\.watch is false, but only who/);
  t.regex(refused('{ connect = "/x" }', 'adapter = "python"'), /adapter is "python", but the app is held/);
  t.regex(refused('{ connect = "/x" }\ntimeout = "300ms"'), /not done after 0\.3 s/);
});
