// thaw unit: units are read as systemd reads them, and the drop-in launches the service from its image.
import test, { type ExecutionContext } from 'ava';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

import { environmentOf } from '../../launcher/likeness/unit.js';
import { callFilter, groupsIn } from '../../launcher/systemd/call_filter.js';
import { execStart } from '../../launcher/systemd/exec_line.js';
import { seconds } from '../../launcher/systemd/time_span.js';
import { type Unit, loadUnit } from '../../launcher/systemd/unit.js';
import { thawExec } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { Workshop, builtWith, python } from './support.js';

/** A unit of a device's root, with the other files that are named. */
function unitOf(workshop: Workshop, name: string, files: Readonly<Record<string, string>>): Unit {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(workshop.folder, path)), { recursive: true });
    writeFileSync(join(workshop.folder, path), text);
  }
  return loadUnit({ unit: name, root: workshop.folder });
}

const SYSTEM = 'etc/systemd/system';

test('drop-ins: by name, the nearest of one name, of prefixes and all services, resets', (t) => {
  const unit = unitOf(new Workshop(t), 'a-b.service', {
    [`${SYSTEM}/a-b.service`]: '[Service]\nExecStart=/bin/one\nEnvironment=A=1\n',
    [`${SYSTEM}/a-b.service.d/20-x.conf`]: '[Service]\nEnvironment=B=2\n',
    'usr/lib/systemd/system/a-b.service.d/20-x.conf': '[Service]\nEnvironment=B=hidden\n',
    [`${SYSTEM}/a-.service.d/30-y.conf`]: '[Service]\nEnvironment=C=3\n',
    [`${SYSTEM}/service.d/10-all.conf`]: '[Service]\nExecStart=\nExecStart=/bin/two\nUser=x\nUser=y\n',
    [`${SYSTEM}/a-b.service.d/40-no.txt`]: '[Service]\nEnvironment=D=4\n',
  });
  t.deepEqual(unit.all('Environment'), ['A=1', 'B=2', 'C=3']);
  t.deepEqual(unit.all('ExecStart'), ['/bin/two']);
  t.is(unit.one('User'), 'y');
});

test('lines: comments, continuations with comments in between, other sections', (t) => {
  const unit = unitOf(new Workshop(t), 'a', {
    [`${SYSTEM}/a.service`]:
      '# x\n[Unit]\nExecStart=/no\n[Service]\n; y\n  ExecStart = /bin/a \\\n# not this\n   b\\\n\nnonsense\nUser=z\\\\\n',
  });
  t.deepEqual(unit.all('ExecStart'), ['/bin/a     b']);
  t.is(unit.one('User'), 'z\\\\');
});

test('templates and specifiers', (t) => {
  const unit = unitOf(new Workshop(t), 'web@a-b.service', {
    [`${SYSTEM}/web@.service`]: '[Service]\nExecStart=/bin/x %i %I %p %n %% %f %t\nUser=%H\n',
    [`${SYSTEM}/web@.service.d/x.conf`]: '[Service]\nEnvironment=T=1\n',
    [`${SYSTEM}/web@a-b.service.d/y.conf`]: '[Service]\nEnvironment=I=1\n',
  });
  t.deepEqual(execStart(unit).argv({}), [
    '/bin/x',
    'a-b',
    'a/b',
    'web',
    'web@a-b.service',
    '%',
    '/a/b',
    '/run',
  ]);
  t.deepEqual(unit.all('Environment'), ['T=1', 'I=1']);
  t.throws(() => unit.one('User'), { message: /specifier %H/ });
});

test('command lines: prefixes, quotes, escapes and variables', (t) => {
  const line = (text: string): ReturnType<typeof execStart> =>
    execStart(unitOf(new Workshop(t), 'a', { [`${SYSTEM}/a.service`]: `[Service]\nExecStart=${text}\n` }));
  const variables = { ONE: 'x y', EMPTY: '' };
  const parsed = line(String.raw`-:!/bin/a "b c" 'd"e' f\x20g \\; $ONE`);
  t.deepEqual(parsed.argv(variables), ['/bin/a', 'b c', 'd"e', 'f g', '\\;', '$ONE']);
  t.deepEqual([parsed.prefixes, parsed.program], ['-:!', '/bin/a']);
  t.deepEqual(line('/bin/a $ONE ${ONE} a${ONE} $EMPTY ${EMPTY} $$ONE $NONE').argv(variables), [
    ...['/bin/a', 'x', 'y', 'x y', 'ax y', '', '$ONE'],
  ]);
  const quoted = line('"-/opt/my app/run" x');
  t.deepEqual([quoted.prefixes, quoted.program, quoted.rest], ['-', '"/opt/my app/run"', ' x']);
  t.deepEqual(line('@/bin/a /bin/a x').argv({}), ['/bin/a', 'x']);
  for (const [bad, says] of [
    ['@/bin/a other x', /another name/],
    ['/bin/a ; /bin/b', /several commands/],
    ['/bin/a\nExecStart=/bin/b', /2 lines ExecStart=/],
    ['|/bin/a', /in a shell/],
    ['', /no ExecStart=/],
  ] as const)
    t.throws(() => line(bad), { message: says });
});

test('masked, missing and other units are named', (t) => {
  const workshop = new Workshop(t);
  t.throws(() => unitOf(workshop, 'a', { [`${SYSTEM}/a.service`]: '' }), { message: /is masked/ });
  t.throws(() => loadUnit({ unit: 'none', root: workshop.folder }), {
    message: /there is no unit none.service/,
  });
  t.throws(() => unitOf(workshop, 'a.timer', { [`${SYSTEM}/a.timer`]: '[Timer]' }), {
    message: /is no service/,
  });
});

test('what a service gets: what is said, and what is so by default', async (t) => {
  const unit = unitOf(new Workshop(t), 'a', {
    [`${SYSTEM}/a.service`]:
      '[Service]\nUser=web\nWatchdogSec=1min 500ms\nRuntimeDirectory=a b\nStateDirectory=s\nDynamicUser=yes\nEnvironmentFile=/etc/a\nUnsetEnvironment=SHELL\n',
    'etc/passwd': 'web:x:7:7::/srv/web:/bin/sh\n',
    'etc/a': 'X="1 2"\n',
    'etc/locale.conf': 'LANG=de_DE.UTF-8\n',
    'etc/systemd/system.conf': '[Manager]\nDefaultEnvironment=M=1 "N=2 3"\n',
  });
  t.deepEqual(await environmentOf(unit), {
    givenByDefault: {
      ...{ PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin', HOME: '/srv/web' },
      ...{ LOGNAME: 'web', USER: 'web' },
    },
    said: {
      ...{ M: '1', N: '2 3', LANG: 'de_DE.UTF-8', RUNTIME_DIRECTORY: '/run/a:/run/b' },
      ...{ STATE_DIRECTORY: '/var/lib/private/s', WATCHDOG_USEC: '60500000', X: '1 2' },
    },
  });
});

test('filters of system calls: lists, what is taken away, groups', (t) => {
  const groups = groupsIn('@default\n    # what\n    exit\n@io\n    read\n    @more\n@more\n    write\n');
  const of = (name: string): readonly string[] | undefined =>
    groups.get(name)?.flatMap((one) => (one.startsWith('@') ? (groups.get(one) ?? []) : [one]));
  const allows = (values: readonly string[], call: string): boolean | undefined =>
    callFilter(values, of)?.allows(call);
  t.is(callFilter([], of), undefined);
  for (const [values, call, expected] of [
    [['@io'], 'write', true],
    [['@io'], 'exit', true],
    [['@io'], 'setns', false],
    [['@io', '~write:EPERM'], 'write', false],
    [['~@io'], 'write', false],
    [['~@io'], 'setns', true],
    [['~@io', 'write'], 'write', true],
  ] as const)
    t.is(allows(values, call), expected, `${values.join(' ')}: ${call}`);
  t.is(callFilter(['@none'], of)?.unknown, '@none');
});

test('times', (t) => {
  for (const [text, expected] of [
    ['5', 5],
    ['1min 500ms', 60.5],
    ['2h', 7200],
    ['infinity', Infinity],
  ] as const)
    t.is(seconds(text), expected);
});

/** A service of `name`, and an image of what it starts. */
function service(t: ExecutionContext, more = '', until = '{ notify = true }') {
  const workshop = new Workshop(t);
  const work = until.includes('notify') ? "notify('READY=1')" : '';
  const profile = workshop.profile('app', `until = ${until}\nsettle = "100ms"`, work);
  // In a folder of its own: the names in the app's are inputs.
  mkdirSync(join(workshop.folder, 'units'));
  const unit = workshop.write(
    'units/app.service',
    `[Unit]\nDescription=A test\n[Service]\nType=notify\nWorkingDirectory=${workshop.folder}\nEnvironment=LANG=C.UTF-8\nExecStart=-${python} app.py\n${more}\n`,
  );
  const built = workshop.thaw('build', profile);
  t.is(built.status, 0, built.stderr);
  return { workshop, unit, dropIn: join(workshop.folder, 'units/app.service.d/zz-thaw.conf') };
}

test('the drop-in: written, shown, verified, run, taken away', async (t) => {
  const { workshop, unit, dropIn } = service(t, 'SystemCallFilter=@system-service\nProtectSystem=strict');
  const shown = workshop.thaw('unit', '--diff', unit);
  t.is(shown.status, 1, shown.stderr);
  t.regex(shown.stdout, /^\+ExecStart=-\S+thaw-exec --store \S+ --notify -- \S+ app\.py$/m);
  t.false(existsSync(dropIn));

  const written = workshop.thaw('unit', unit);
  t.is(written.status, 0, written.stderr);
  t.is(written.stdout, `${dropIn}\n`);
  t.regex(written.stderr, /ProtectSystem= \(note\): .*\n {2}add ReadWritePaths=/);
  const text = readFileSync(dropIn, 'utf8');
  t.regex(text, /^ExecStart=\nExecStart=-/m);
  t.regex(text, /^Environment=HOME=/m, 'CPython has all variables as inputs');
  t.regex(text, /^Environment=THAW_FILTER=try$/m);
  t.notRegex(text, /LANG/, 'the unit has it');
  t.is(workshop.thaw('unit', '--diff', unit).status, 0, 'its own drop-in does not count');
  const several = workshop.thaw('unit', '--diff', '--store', '/srv/none', unit);
  t.regex(several.stdout, new RegExp(`^\\+ExecStart=.* --store ${workshop.store}:/srv/none `, 'm'));

  const verified = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' });
  if (verified.error === undefined) t.notRegex(verified.stderr, /app\.service|zz-thaw/, verified.stderr);

  // As systemd would start it.
  const effective = loadUnit({ unit });
  const { givenByDefault, said } = await environmentOf(effective);
  const [program, ...args] = execStart(effective).argv(said);
  const socket = join(workshop.folder, 'units/notify');
  const listener = spawn(python, [
    '-c',
    "import socket, sys\ns = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\ns.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)\ns.bind(sys.argv[1])\nprint('bound', flush=True)\ns.settimeout(20)\ndata, extra, _, _ = s.recvmsg(100, 100)\nprint(data.decode(), int.from_bytes(extra[0][2][:4], 'little'), flush=True)",
    socket,
  ]);
  const lines: string[] = [];
  const reader = createInterface(listener.stdout).on('line', (line) => lines.push(line));
  while (lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  const env = { ...givenByDefault, ...said, NOTIFY_SOCKET: socket, THAW_LOG: 'warn' };
  const app = spawn(program, args, { cwd: workshop.folder, env });
  let output = '';
  app.stdout.on('data', (data: Buffer) => (output += data.toString()));
  app.stderr.on('data', (data: Buffer) => (output += data.toString()));
  const told = new Promise((resolve) => reader.on('close', resolve));
  await told;
  t.deepEqual(lines, ['bound', `READY=1 ${app.pid}`], output);
  workshop.write('go', '');
  await new Promise((resolve) => app.on('exit', resolve));
  t.is(output, 'done\n', 'warm');

  const reverted = workshop.thaw('unit', '--revert', unit);
  t.is(reverted.status, 0, reverted.stderr);
  t.false(existsSync(dirname(dropIn)));
  t.is(workshop.thaw('unit', '--revert', unit).status, 1);
});

test('what keeps a service from being launched is named, with a remedy, and nothing is written', (t) => {
  const { workshop, unit, dropIn } = service(t, '', '{ log = "warm$" }');
  const base = readFileSync(unit, 'utf8');
  const tried = (lines: string, ...options: readonly string[]) => {
    writeFileSync(unit, base.replace('Type=notify', 'Type=exec') + lines);
    return workshop.thaw('unit', ...options, unit);
  };
  t.regex(workshop.thaw('unit', unit).stderr, /Type= \(cannot be launched\): .*READY=1/);
  for (const [lines, says] of [
    ['Type=forking', /Type= \(cannot be launched\)/],
    ['DynamicUser=yes', /DynamicUser= \(each launch would be cold\)/],
    ['User=nobody', /User= .*runs as nobody/],
    ['SystemCallFilter=read write', /SystemCallFilter= .*does not allow .*\bopenat\b/],
    ['MemoryDenyWriteExecute=yes', /MemoryDenyWriteExecute=/],
    ['NoExecPaths=/', /NoExecPaths= .*\n {2}add ExecPaths=/],
    ['PrivateTmp=yes', /\(PrivateTmp=\)/],
    ['Sockets=a.socket', /Sockets=/],
    ['Environment=LANG=de_DE.UTF-8', /other values of LANG\n {2}build .*--like-unit/],
    ['RootDirectory=/srv', /another root/],
  ] as const) {
    const result = tried(lines);
    t.is(result.status, 1, lines);
    t.regex(result.stderr, says);
    t.false(existsSync(dropIn), lines);
  }
  const allowed = tried('SystemCallFilter=read write', '--allow-calls', '--output', '-');
  t.is(allowed.status, 0, allowed.stderr);
  t.regex(allowed.stdout, /^SystemCallFilter=.*\bopenat\b/m);
  t.regex(allowed.stdout, /THAW_FILTER=try/);
  // A filter that allows no trial may kill for it.
  const anyway = tried('SystemCallFilter=read write', '--anyway', '--output', '-');
  t.is(anyway.status, 0, anyway.stderr);
  t.notRegex(anyway.stdout, /THAW_FILTER/);
  const other = tried('ExecStart=\nExecStart=/bin/true x').stderr;
  t.regex(other, /no profile .* \/bin\/true x, in [^]*program = "\/bin\/true"\n {4}args = \["x"\]/);
});

test('what is not by thaw is left alone', (t) => {
  const { workshop, unit, dropIn } = service(t);
  mkdirSync(dirname(dropIn));
  writeFileSync(dropIn, '[Service]\nUser=root\n');
  t.regex(workshop.thaw('unit', unit).stderr, /is not by thaw/);
  t.regex(workshop.thaw('unit', '--revert', unit).stderr, /is not by thaw/);
});

test('without a socket to tell, --notify is no hindrance; with a wrong one, the start is cold', (t) => {
  const { workshop } = service(t);
  workshop.write('go', '');
  const start = (env: Readonly<Record<string, string>>) =>
    spawnSync(thawExec, ['--store', workshop.store, '--profile', 'app', '--notify', '--', python, 'app.py'], {
      cwd: workshop.folder,
      encoding: 'utf8',
      env: { ...builtWith, THAW_LOG: 'warn', ...env },
    });
  t.is(start({}).stdout, 'done\n');
  const cold = start({ NOTIFY_SOCKET: '/nonexistent/socket' });
  t.regex(cold.stderr, /cannot connect to \$NOTIFY_SOCKET/);
});

/** A socket whose queue is full: nobody reads it. */
const fullSocket = `import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1])
c = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); c.setblocking(False)
try:
    while True: c.sendto(b'STATUS=busy', sys.argv[1])
except BlockingIOError: print('full', flush=True)
time.sleep(1000)
`;

test('where nobody reads the socket, --notify is no reason to wait for ever: the start is cold', async (t) => {
  const { workshop } = service(t);
  workshop.write('go', '');
  const socket = join(workshop.folder, 'units/full');
  const server = spawn(python, ['-c', fullSocket, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => server.kill('SIGKILL'));
  await new Promise((resolve) => server.stdout.once('data', resolve));
  // The app itself would wait for it.
  const command = ['--store', workshop.store, '--profile', 'app', '--no-fallback', '--notify'];
  const { status, stderr, signal } = spawnSync(thawExec, [...command, '--', python, 'app.py'], {
    cwd: workshop.folder,
    encoding: 'utf8',
    env: { ...builtWith, THAW_LOG: 'warn', NOTIFY_SOCKET: socket },
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  t.deepEqual([status, signal], [125, null], stderr);
  t.regex(stderr, /cannot tell \$NOTIFY_SOCKET that the app is ready \(errno 11\)/);
});
