// The trial launch is compared with a cold start: what a launched app says and how it ends.
import test from 'ava';
import { appendFileSync, chmodSync, copyFileSync, utimesSync } from 'node:fs';
import { type Server, type Socket, createServer } from 'node:net';
import { join } from 'node:path';

import { type Shown, differences } from '../../launcher/proving/differences.js';
import { httpAnswer } from '../../launcher/proving/http_date.js';
import { Workshop } from './support.js';

const warm = 'until = { log = "^warm$" }\nsettle = "20ms"';
/** But for those of pids: chance decides whether they come. */
const WARNING = /warning(?! +(?:the warm-up had the pid|\d+ numbers? in memory may be the pid))/;

/** Answers whoever connects with what `answer` says, in a thread. */
const server = (port: number, answer: string): string => `
import threading, email.utils, random, signal
def answer():
    ${answer}
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(('127.0.0.1', ${port}))
listener.listen()
def serve():
    while True:
        connection, _ = listener.accept()
        connection.sendall(answer().encode())
        connection.close()
threading.Thread(target=serve, daemon=True).start()
# In this form, no launch corrects it.
kept_pid = 3 * os.getpid()
kept_date = email.utils.formatdate(usegmt=True)
kept_random = random.random()
`;
const ask = (port: number): string => `exec 3<>/dev/tcp/127.0.0.1/${port}; cat <&3`;
const bash = (port: number): string => `bash -c '${ask(port)}'`;

interface Row {
  readonly what: string;
  readonly answer: string;
  readonly prove: (command: string) => string;
  readonly says: RegExp;
}

const wrong: readonly Row[] = [
  {
    what: 'its pid is that of the build',
    answer: "return 'pid %d' % (kept_pid // 3)",
    prove: (command) => `run = ["${command}"]`,
    says: /trial launch: the command `.*` shows another pid than the launched app's, \d+: pid \d+/,
  },
  {
    what: 'its answer is another one',
    answer: "return 'the same' if 3 * os.getpid() == kept_pid else 'other'",
    prove: (command) => `run = ["${command}"]`,
    says: /says after a launch what it does not after a cold start: other/,
  },
  {
    what: 'two launches draw the same numbers',
    answer: "return 'drew %f' % random.random()",
    prove: (command) => `run = []\ndiffers = "${command}"`,
    says: /two launches say the same to `.*`: drew 0\.\d+/,
  },
];

for (const [i, { what, answer, prove, says }] of wrong.entries())
  test(`refused: ${what}`, (t) => {
    const workshop = new Workshop(t);
    const port = 18460 + i;
    const table = `\n[prove]\n${prove(bash(port))}\n`;
    // An adapter would put the numbers right.
    const profile = workshop.profile('app', warm + table, server(port, answer), 'adapter = "none"');
    const build = workshop.thaw('build', profile);
    t.is(build.status, 1, build.stderr);
    t.regex(build.stderr, says);
    t.notRegex(build.stderr, /python adapter|adapter: python/);
  });

test('a command that shows the time of the build is wrong, unless it does so after a cold start as well', (t) => {
  const built = Date.parse('2026-01-01T00:00:00Z');
  const late = built + 2600;
  const shown = (time: number): Shown => {
    const output = `HTTP/1.0 200 OK\r\nDate: ${new Date(time).toUTCString()}\r\n\r\n`;
    return { pid: 1, at: late, answers: [{ code: 0, output }] };
  };
  const [found, ...others] = differences(['ask'], shown(late), shown(built), false);
  t.deepEqual(others, []);
  t.is(found?.what, 'the command `ask` shows the time of the build: Date: Thu, 01 Jan 2026 00:00:00 GMT');
  t.regex(found?.remedy ?? '', /the app keeps .* settle = "1200ms"/);
  t.is(found?.harmless, false);
  t.deepEqual(differences(['ask'], shown(built), shown(built), true), []);
  t.deepEqual(differences(['ask'], shown(late), shown(late), true), []);
});

test('refused: the headers of its port show the time of the build, which no command shows', (t) => {
  const workshop = new Workshop(t);
  const serve = (date: string): string => `
import email.utils, http.server, threading
kept = email.utils.formatdate(usegmt=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def date_time_string(self, *_): return ${date}
    def log_message(self, *_): pass
server = http.server.HTTPServer(('127.0.0.1', 18468), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
`;
  const warmup = 'until = { port = 18468 }\nsettle = "20ms"\nrun = ["true"]';
  const wrong = workshop.thaw('build', workshop.profile('app', warmup, serve('kept')));
  t.is(wrong.status, 1, wrong.stderr);
  t.regex(wrong.stderr, /port 18468 shows the time of the build: Date: .* GMT\n +the app keeps /);
  const good = workshop.thaw(
    'build',
    workshop.profile('app', warmup.replace(/\nrun.*/, ''), serve('email.utils.formatdate(usegmt=True)')),
  );
  t.is(good.status, 0, good.stderr);
  // It knows no HEAD.
  t.regex(
    good.stderr,
    /listens on port 18468 .*\n +\[prove\]\n +run = \["curl -s http:\/\/127\.0\.0\.1:18468\/"\]/,
  );
});

const servers: readonly (readonly [what: string, answer: string | undefined, status: number | undefined])[] =
  [
    ['switches protocols', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n', undefined],
    ['speaks another protocol', '-ERR unknown command\r\n', undefined],
    ['closes the connection', '', undefined],
    ['says nothing', undefined, undefined],
    ['has no date', 'HTTP/1.1 404 Not Found\r\n\r\n', 404],
  ];

for (const [what, answer, status] of servers)
  // Before the others, whose builds would keep it from seeing the answer in time.
  test.serial(`asked once by HTTP: a server that ${what}`, async (t) => {
    const connections: Socket[] = [];
    const server = await listening((socket) => {
      connections.push(socket.on('error', () => undefined));
      if (answer === '') socket.destroy();
      else if (answer !== undefined) socket.write(answer);
    });
    t.teardown(() => {
      for (const socket of connections) socket.destroy();
      server.close();
    });
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const found = await httpAnswer(port, new AbortController().signal);
    t.deepEqual([found?.status, found?.date], [status, undefined]);
    t.is(connections.length, 1);
    await t.throwsAsync(httpAnswer(port, AbortSignal.abort(new Error('interrupted'))), {
      message: 'interrupted',
    });
  });

function listening(accept: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer(accept).listen(0, '127.0.0.1', () => {
      resolve(server);
    });
  });
}

test('an image that nothing asks anything is a warning, until the profile says that there is nothing', (t) => {
  const workshop = new Workshop(t);
  // Its port does not speak HTTP, so that curl would fail.
  const until = 'until = { port = 18469 }\nsettle = "20ms"';
  const toml = workshop.profile('app', until, server(18469, "return '-ERR unknown command'"));
  const build = workshop.thaw('build', toml);
  t.is(build.status, 0, build.stderr);
  const [, remedy = ''] =
    /warning +that the launched app lives and listens on port 18469 after 500 ms is all.*\n.*\n((?: +.*\n){2})/.exec(
      build.stderr,
    ) ?? [];
  t.regex(remedy, /^ +\[prove\]\n +run = \[\]\n$/, build.stderr);
  appendFileSync(toml, remedy);
  const again = workshop.thaw('build', toml);
  t.is(again.status, 0, again.stderr);
  t.notRegex(again.stderr, /is all that proves/);
});

test('what is right passes: pid, time, numbers; other output without prove.run is a warning', (t) => {
  const workshop = new Workshop(t);
  const answer = "return 'pid %d\\r\\nDate: %s\\r\\n' % (os.getpid(), email.utils.formatdate(usegmt=True))";
  const table = `\n[prove]\nrun = ["${bash(18466)}"]\ndiffers = "bash -c 'echo $RANDOM$RANDOM'"\n`;
  const good = workshop.thaw('build', workshop.profile('app', warm + table, server(18466, answer)));
  t.is(good.status, 0, good.stderr);
  t.notRegex(good.stderr, WARNING);

  const counts = "global count; count += 1; return 'asked %d times' % count";
  const work = `count = 0\n${server(18467, counts)}`;
  const run = `\nrun = ["${bash(18467)}"]`;
  const counted = workshop.thaw('build', workshop.profile('app', warm + run, work));
  t.is(counted.status, 0, counted.stderr);
  t.regex(counted.stderr, /warning +the command `.*` says after a launch .*: asked 2 times/);
});

const handler = `
import signal
pid = 3 * os.getpid()
def end(*_):
    if 3 * os.getpid() == pid: sys.exit(3)
    ELSE
signal.signal(signal.SIGTERM, end)
`;

test('refused: a launched app that does not end on SIGTERM as it does after a cold start', (t) => {
  const workshop = new Workshop(t);
  const ignores = workshop.thaw('build', workshop.profile('app', warm, handler.replace('ELSE', 'pass')));
  t.is(ignores.status, 1, ignores.stderr);
  t.regex(
    ignores.stderr,
    /started cold ends with exit code 3 on SIGTERM after \d+ ms, the launched one does not end/,
  );
  const other = workshop.thaw('build', workshop.profile('app', warm, handler.replace('ELSE', 'sys.exit(4)')));
  t.is(other.status, 1, other.stderr);
  t.regex(other.stderr, /ends with exit code 3 on SIGTERM, the launched one with exit code 4/);
});

test('a cold start is up before it is asked to end', (t) => {
  const workshop = new Workshop(t);
  const work = `
import signal
timer = time.time() + 0.3
def wait_for(name):
    while time.time() < timer: time.sleep(0.01)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
    while not os.path.exists(name): time.sleep(0.001)
`;
  const late = 'until = { log = "^warm$" }\nsettle = "400ms"\n[prove]\nrun = []';
  const build = workshop.thaw('build', workshop.profile('app', late, work));
  t.is(build.status, 0, build.stderr);
  t.notRegex(build.stderr, WARNING);
});

test('what both say alike is no pid, though the cold start has it', (t) => {
  const shown = (pid: number, output: string): Shown => ({ pid, at: 0, answers: [{ code: 0, output }] });
  const found = (was: string, is: string): string[] =>
    differences(['ask'], shown(40, was), shown(50, is), true).map(({ what }) => what);
  t.deepEqual(found('40 items\n', '40 items\n'), []);
  t.deepEqual(found('40 items\npid 40\n', '40 items\npid 50\n'), []);
  t.regex(found('pid 40\n', 'pid 30\n').join(), /shows another pid than the launched app's, 50: pid 30/);
});

test('an app that does its work and ends well can be built', (t) => {
  const workshop = new Workshop(t);
  const work = [
    "print('ready', flush=True)",
    'kept, end = 3 * os.getpid(), time.time() + 5',
    'while 3 * os.getpid() == kept and time.time() < end: time.sleep(0.01)',
    'time.sleep(0.2)',
    'sys.exit(0)',
  ].join('\n');
  const warmup = 'until = { log = "ready" }\nsettle = "20ms"\nrun = ["true"]';
  const build = workshop.thaw('build', workshop.profile('app', warmup, work));
  t.is(build.status, 0, build.stderr);
});

test('why a launch was not possible is said, and once', (t) => {
  const workshop = new Workshop(t);
  workshop.write('held', 'x');
  // The cold start of the trial takes away what the launch needs.
  const work = `
held = open('held')
if os.path.exists('second'): os.remove('held')
open('second', 'w').close()
`;
  const trial = workshop.thaw('build', workshop.profile('app', warm, work));
  t.is(trial.status, 1);
  t.regex(trial.stderr, /trial launch: the app ended \(exit code 125\)/);
  t.is(trial.stderr.match(/\| thaw-exec: .*held/g)?.length, 1, trial.stderr);

  copyFileSync('/bin/sleep', join(workshop.folder, 'program'));
  chmodSync(join(workshop.folder, 'program'), 0o755);
  const toml = workshop.write(
    'program.toml',
    'name = "program"\nprogram = "./program"\nargs = ["60"]\n[warmup]\nuntil = { delay = "50ms" }\nsettle = "1ms"\n',
  );
  t.is(workshop.thaw('build', toml).status, 0);
  utimesSync(join(workshop.folder, 'program'), 1, 1);
  const train = workshop.thaw('train', 'program');
  t.is(train.status, 1);
  t.is(train.stderr.match(/is not the file/g)?.length, 1, train.stderr);
});

test('programs that read standard input find it open', (t) => {
  const workshop = new Workshop(t);
  const profile = (stdin: string): string =>
    workshop.write(
      'filter.toml',
      `name = "filter"\nprogram = "/bin/cat"\n[warmup]\nuntil = { delay = "200ms" }\nsettle = "20ms"\n${stdin}`,
    );
  const closed = workshop.thaw('build', profile(''));
  t.is(closed.status, 1);
  t.regex(closed.stderr, /the app ended \(exit code 0\)/);
  const open = workshop.thaw('build', profile('stdin = "open"\n'));
  t.is(open.status, 0, open.stderr);
  const launched = workshop.run('/bin/cat', [], 'through the filter\n');
  t.is(launched.stdout, 'through the filter\n', launched.stderr);
  t.notRegex(launched.stderr, /starting cold/);
});

test('what an app keeps as secrets, and what it reads and writes, is told of', (t) => {
  const workshop = new Workshop(t);
  const work = `
import ctypes, mmap
key = mmap.mmap(-1, 8192, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
key[0:6] = b'secret'
address = ctypes.addressof(ctypes.c_char.from_buffer(key))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.madvise(ctypes.c_void_p(address), 8192, 16) == 0
libc.prctl(4, 0, 0, 0, 0)
locked = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
locked[0:6] = b'secret'
assert libc.mlock(ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(locked))), 4096) == 0
state = open('state.json').read()
with open('state.json', 'w') as file: file.write(state)
`;
  workshop.write('state.json', '{}');
  const build = workshop.thaw('build', workshop.profile('app', warm, work));
  t.regex(
    build.stderr,
    /warning +mapping [0-9a-f-]+.*: \d+ KiB that the app keeps out of core dumps \(MADV_DONTDUMP\)/,
  );
  t.regex(build.stderr, /warning +the app has asked for no core dumps \(PR_SET_DUMPABLE\)/);
  t.regex(build.stderr, /warning +mapping .*: 4 KiB that the app locks into memory \(mlock\)/);
  t.regex(build.stderr, /warning +the app reads and writes \S+\/state\.json: each launch after/);
});
