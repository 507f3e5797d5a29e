// What the kernel tells nobody, `thaw build` has seen the app ask for: it comes back, or is refused.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

import { Workshop } from './support.js';

const warm = 'until = { log = "warm$" }\nsettle = "300ms"';

test('timers that wait for a time of the day, and a port that the app has bound', (t) => {
  const workshop = new Workshop(t);
  const work = `import atexit, ctypes, signal
signal.signal(signal.SIGALRM, lambda *_: None)
libc = ctypes.CDLL(None)
class Spec(ctypes.Structure):
    _fields_ = [(name, ctypes.c_long) for name in ('interval', 'interval_ns', 'value', 'value_ns')]
ABSOLUTE = 1
at = int(time.time()) + 2000
once, again, relative = [ctypes.c_void_p() for _ in range(3)]
for timer in once, again, relative: assert libc.timer_create(time.CLOCK_REALTIME, None, ctypes.byref(timer)) == 0
assert libc.timer_settime(once, ABSOLUTE, ctypes.byref(Spec(0, 0, at, 0)), None) == 0
assert libc.timer_settime(again, ABSOLUTE, ctypes.byref(Spec(3600, 0, at - 3600, 0)), None) == 0
assert libc.timer_settime(relative, ABSOLUTE, ctypes.byref(Spec(0, 0, at, 0)), None) == 0
assert libc.timer_settime(relative, 0, ctypes.byref(Spec(0, 0, 3000, 0)), None) == 0
bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
bound.bind(('127.0.0.1', 40123))
bound.connect(('127.0.0.1', 9))
def late(timer):
    spec = Spec()
    assert libc.timer_gettime(timer, ctypes.byref(spec)) == 0
    return time.time() + spec.value + spec.value_ns / 1e9 - at
@atexit.register
def tell(): print(late(once), late(again), late(relative), bound.getsockname()[1], flush=True)
`;
  const policy = '[[policies]]\ntype = "socket"\npath = "127.0.0.1:9"\naction = "reconnect"';
  const built = workshop.thaw('build', workshop.profile('timers', `${warm}\n${policy}`, work));
  t.is(built.status, 0, built.stderr);
  const { stdout, stderr } = workshop.launch('timers');
  t.is(stderr, '');
  const [once = NaN, again = NaN, relative = NaN, port] = (stdout.trim().split('\n').at(-1) ?? '')
    .split(' ')
    .map(Number);
  t.true(Math.abs(once) < 0.2, `the timer is ${once} s late`);
  t.true(Math.abs(again) < 0.2, `the periodic timer is ${again} s late`);
  t.true(relative > 1000, 'a timer that was armed anew is no absolute one');
  t.is(port, 40123);
});

test('a program that spreads connections', (t) => {
  const workshop = new Workshop(t);
  const work = `import ctypes, struct
spread = socket.socket()
spread.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
spread.bind(('127.0.0.1', 0))
to_the_first = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0))  # BPF_RET
SO_ATTACH_REUSEPORT_CBPF = 51
program = struct.pack('@HP', 1, ctypes.addressof(to_the_first))
spread.setsockopt(socket.SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, program)
spread.listen()
`;
  const { status, stderr } = workshop.thaw('build', workshop.profile('spread', warm, work));
  t.is(status, 1);
  t.regex(stderr, /SO_ATTACH_REUSEPORT_CBPF[\s\S]*after the checkpoint/);
});

test('a raw socket that asks for what routers look at', (t) => {
  if (process.getuid?.() !== 0) return void t.pass();
  const workshop = new Workshop(t);
  const work = `IP_ROUTER_ALERT = 5
alert = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
alert.setsockopt(socket.IPPROTO_IP, IP_ROUTER_ALERT, 1)
`;
  const { status, stderr } = workshop.thaw('build', workshop.profile('alert', warm, work));
  t.is(status, 1);
  t.regex(stderr, /IP_ROUTER_ALERT[\s\S]*after the checkpoint/);
});

test('System V objects that another process was the last to use', (t) => {
  const workshop = new Workshop(t);
  const use = `import ctypes
libc = ctypes.CDLL(None, use_errno=True)
class Operation(ctypes.Structure):
    _fields_ = [('number', ctypes.c_ushort), ('change', ctypes.c_short), ('flags', ctypes.c_short)]
def up(id): assert libc.semop(id, ctypes.byref(Operation(0, 1, 0)), ctypes.c_size_t(1)) == 0
`;
  const key = 0x54000000 + (process.pid % 0x100000);
  const CREATE = 0o1600;
  const other = workshop.write('other.py', `${use}up(libc.semget(${key}, 1, 0))\n`);
  const work = `${use}import atexit, os
set, queue = libc.semget(${key}, 1, ${CREATE}), libc.msgget(${key}, ${CREATE})
up(set)
own = os.getpid()
@atexit.register
def remove():
    if os.getpid() == own: libc.semctl(set, 0, 0), libc.msgctl(queue, 0, None)
`;
  const profile = workshop.profile('ipc', `${warm}\nrun = ["python3 ${other}"]`, work);
  t.teardown(() => spawnSync('ipcrm', ['-S', String(key), '-Q', String(key)]));
  const { status, stderr } = workshop.thaw('build', profile);
  t.is(status, 1);
  t.regex(stderr, /has used System V semaphores \(key 0x[0-9a-f]+, id \d+\)/);
  t.regex(stderr, /has used a System V message queue \(key 0x[0-9a-f]+, id \d+\)/);
});

const scope = '/proc/sys/kernel/yama/ptrace_scope';

/** Calls prctl(PR_SET_PTRACER) for that process, and prints at its end whether a child of its own may trace it. */
const allowTracer = (tracer: string): string => `import atexit, ctypes
libc = ctypes.CDLL(None)
PR_SET_PTRACER, ANY, PTRACE_SEIZE = 0x59616d61, -1, 0x4206
assert libc.prctl(PR_SET_PTRACER, ctypes.c_ulong(${tracer}), 0, 0, 0) == 0
@atexit.register
def tell():
    app, child = os.getpid(), os.fork()
    if child == 0: os._exit(0 if libc.ptrace(PTRACE_SEIZE, app, None, None) == 0 else 1)
    print('traced' if os.waitpid(child, 0)[1] == 0 else 'not traced', flush=True)
`;

test('who may trace the app, under Yama', (t) => {
  if (!existsSync(scope)) {
    t.log('SKIP: this kernel has no Yama');
    t.pass();
    return;
  }
  const workshop = new Workshop(t);
  const { status, stderr } = workshop.thaw('build', workshop.profile('stranger', warm, allowTracer('1')));
  t.is(status, 1);
  t.regex(stderr, /lets process 1 \(.*\) trace it \(PR_SET_PTRACER\)[\s\S]*after the checkpoint/);
  // Root may trace anybody, and so may others where nothing is confined.
  if (process.getuid?.() === 0 || readFileSync(scope, 'utf8').trim() !== '1') return;
  for (const tracer of ['ANY', 'os.getpid()', '0']) {
    const built = workshop.thaw('build', workshop.profile('traced', warm, allowTracer(tracer)));
    t.is(built.status, 0, built.stderr);
    t.is(
      workshop.launch('traced').stdout.trim().split('\n').at(-1),
      tracer === '0' ? 'not traced' : 'traced',
    );
  }
});
