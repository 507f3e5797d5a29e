// Services on a message bus: each launch has a connection of its own, and the bus knows it as it knew the app.
import test, { type ExecutionContext } from 'ava';

import { chmodSync, chownSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { thawExec } from '../engine/support/paths.js';
import { Workshop } from '../launcher/support.js';
import { until } from '../../bench/until.js';
import { Bus, compiled, debianPython, speakerProfile } from './bus.js';
import { withFakeServer } from './fake_server.js';

const warmup = 'until = { log = "^up" }\nsettle = "50ms"';

/** A service profile: warm when the counter stands at 1. */
function profile(workshop: Workshop, bus: Bus, command: readonly string[], more = '', end = ''): string {
  const [program, ...args] = command;
  const call = `busctl --address=${bus.address} call org.example.Counter /org/example/Counter org.example.Counter Next`;
  return workshop.write(
    'service.toml',
    `name = "service"\nprogram = "${program}"\nargs = ${JSON.stringify(args)}\n${more}${bus.toml}
[warmup]\n${warmup}\nrun = ["${call}"]\n[prove]\nrun = []\n${bus.policy}${end}`,
  );
}

const pythonService = `import sys, dbus, dbus.service, dbus.mainloop.glib
from gi.repository import GLib
dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
class Counter(dbus.service.Object):
    n = 0
    @dbus.service.method('org.example.Counter', out_signature='i')
    def Next(self):
        self.n += 1
        return self.n
    @dbus.service.method('org.example.Counter', out_signature='s')
    def Me(self):
        return bus.get_unique_name()
bus = dbus.SessionBus()
name = dbus.service.BusName('org.example.Counter', bus, do_not_queue=True)
counter = Counter(bus, '/org/example/Counter')
exec(sys.argv[1])
print('up', flush=True)
GLib.MainLoop().run()
`;

const gdbusService = `from gi.repository import Gio, GLib
xml = '<node><interface name="org.example.Counter"><method name="Next"><arg type="i" direction="out"/></method>' \\
      '<method name="Me"><arg type="s" direction="out"/></method></interface></node>'
count = 0
def call(connection, sender, path, interface, method, parameters, invocation):
    global count
    if method == 'Next':
        count += 1
        invocation.return_value(GLib.Variant('(i)', (count,)))
    else:
        invocation.return_value(GLib.Variant('(s)', (connection.get_unique_name(),)))
def acquired(connection, name):
    connection.register_object('/org/example/Counter', Gio.DBusNodeInfo.new_for_xml(xml).interfaces[0], call)
Gio.bus_own_name(Gio.BusType.SESSION, 'org.example.Counter', 0, acquired, lambda *_: print('up', flush=True), None)
GLib.MainLoop().run()
`;

/** Launches twice in a row, and the count goes on from the image each time. */
async function answersTwice(t: ExecutionContext, bus: Bus, command: readonly string[]): Promise<void> {
  const names = new Set<string>();
  for (const round of [1, 2]) {
    const instance = bus.launch(command);
    await until(() => bus.owner().startsWith('s '), `launch ${round}: ${instance.output}`);
    t.is(bus.counter('Next'), 'i 2', instance.output);
    const own = bus.counter('Me');
    t.is(own, bus.owner());
    t.false(names.has(own));
    names.add(own);
    t.notRegex(instance.output, /starting cold/);
    await instance.end();
  }
}

const services: Readonly<Record<string, (workshop: Workshop) => readonly string[]>> = {
  'sd-bus': (workshop) => [compiled(workshop, 'bus_service', '-lsystemd')],
  libdbus: (workshop) => [debianPython, workshop.write('service.py', pythonService), 'pass'],
  GDBus: (workshop) => [debianPython, workshop.write('service.py', gdbusService)],
};

for (const [library, make] of Object.entries(services))
  test(`a service by ${library}`, async (t) => {
    const workshop = new Workshop(t);
    const bus = new Bus(t, workshop);
    await bus.start();
    const command = make(workshop);
    const built = workshop.thaw('build', profile(workshop, bus, command));
    t.is(built.status, 0, built.stderr);
    t.regex(
      workshop.thaw('show', 'service').stdout,
      /session +replay +to .*, D-Bus: .*org\.example\.Counter/,
    );
    await answersTwice(t, bus, command);
    // Another bus, whose names are of another length.
    await bus.start();
    for (let i = 0; i < 12; ++i) bus.owner();
    await answersTwice(t, bus, command);
  });

for (const [library, make] of Object.entries({
  libdbus: (workshop: Workshop) => [
    debianPython,
    workshop.write('service.py', pythonService.replace('SessionBus', 'SystemBus')),
    'pass',
  ],
  GDBus: (workshop: Workshop) => [
    debianPython,
    workshop.write('service.py', gdbusService.replace('BusType.SESSION', 'BusType.SYSTEM')),
  ],
}))
  test(`a service by ${library} on the system bus`, async (t) => {
    const workshop = new Workshop(t);
    const bus = new Bus(t, workshop, 'system');
    await bus.start();
    const command = make(workshop);
    const built = workshop.thaw('build', profile(workshop, bus, command));
    t.is(built.status, 0, built.stderr);
    await answersTwice(t, bus, command);
  });

test('an adapter does not stop an app that is about to answer', async (t) => {
  const workshop = new Workshop(t);
  const bus = new Bus(t, workshop);
  await bus.start();
  const slow = pythonService.replace(
    "    @dbus.service.method('org.example.Counter', out_signature='s')",
    `    @dbus.service.method('org.example.Counter', async_callbacks=('answer', 'fail'))
    def Late(self, answer, fail):
        GLib.timeout_add(1500, answer)
$&`,
  );
  const command = [debianPython, workshop.write('service.py', slow), 'pass'];
  const late = `busctl --address=${bus.address} call org.example.Counter /org/example/Counter org.example.Counter Late`;
  const toml = readFileSync(profile(workshop, bus, command), 'utf8');
  const calls = toml.replace('run = ["', `run = ["(${late} >/dev/null 2>&1 &) ; sleep 0.3", "`);
  const built = workshop.thaw('build', workshop.write('late.toml', calls));
  t.is(built.status, 0, built.stderr);
  await answersTwice(t, bus, command);
});

test('an app that says something in the moment in which an adapter stops it is started once more', async (t) => {
  const workshop = new Workshop(t);
  const bus = new Bus(t, workshop);
  await bus.start();
  const said = workshop.write('said', '');
  const hook = `import thaw_hooks
def ask():
    with open('${said}', 'r+') as file:
        if file.read() == '':
            file.write('asked')
            bus.call_async('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'AddMatch', 's',
                           ("type='signal',member='None'",), None, None)
            bus.flush()
thaw_hooks.before_checkpoint(ask)
`;
  const command = [debianPython, workshop.write('service.py', pythonService), hook];
  const toml = profile(workshop, bus, command, '', `[inputs]\nignore = ["${said}"]\n`);
  const built = workshop.thaw('build', toml);
  t.is(built.status, 0, built.stderr);
  t.regex(built.stderr, /stopped for its checkpoint while something was under way to a server: once more/);
  await answersTwice(t, bus, command);
});

test('a service of another user, built by root', async (t) => {
  if (process.getuid?.() !== 0) {
    t.pass();
    return;
  }
  const workshop = new Workshop(t);
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  const bus = new Bus(t, workshop);
  chmodSync(workshop.folder, 0o755);
  chownSync(join(workshop.folder, 'run'), 65_534, 65_534);
  await bus.start(nobody);
  const command = [compiled(workshop, 'bus_service', '-lsystemd')];
  const asNobody = { LOGNAME: 'nobody', USER: 'nobody', HOME: '/nonexistent' };
  const toml = profile(workshop, bus, command, 'user = "nobody"\n', '[launch]\nenv = "image"\n');
  const built = workshop.thaw('build', toml);
  t.is(built.status, 0, built.stderr);
  const instance = bus.launch(command, [
    ...nobody,
    'env',
    ...Object.entries(asNobody).map((pair) => pair.join('=')),
  ]);
  await until(() => bus.owner().startsWith('s ') || instance.output.includes('cold'), instance.output);
  t.is(bus.counter('Next'), 'i 2', instance.output);
});

test('where the name has another owner, the launch is a cold start', async (t) => {
  const workshop = new Workshop(t);
  const bus = new Bus(t, workshop);
  await bus.start();
  const command = [compiled(workshop, 'bus_service', '-lsystemd')];
  const built = workshop.thaw('build', profile(workshop, bus, command));
  t.is(built.status, 0, built.stderr);
  const first = bus.launch(command);
  await until(() => bus.owner().startsWith('s '), 'the first');
  const second = bus.launch(command);
  await until(() => second.output.includes('starting cold'), 'the second');
  t.regex(
    second.output,
    /answers RequestName\(org\.example\.Counter\) otherwise than when the image was made/,
  );
  t.is(bus.counter('Next'), 'i 2', first.output);
});

test('a call that activates the service reaches the launched one', async (t) => {
  const workshop = new Workshop(t);
  const bus = new Bus(t, workshop);
  await bus.start();
  const command = [compiled(workshop, 'bus_service', '-lsystemd')];
  const built = workshop.thaw(
    'build',
    profile(workshop, bus, command, '', '[launch]\ncwd = "any"\nignore_env = ["DBUS_SESSION_BUS_ADDRESS"]\n'),
  );
  t.is(built.status, 0, built.stderr);
  workshop.write(
    'services/org.example.Counter.service',
    `[D-BUS Service]\nName=org.example.Counter\nExec=${thawExec} --store ${workshop.store} -- ${command.join(' ')}\n`,
  );
  await bus.start();
  t.is(bus.counter('Next'), 'i 2');
  bus.stop();
});

const refusals: readonly (readonly [what: string, code: string, says: RegExp])[] = [
  [
    'keeps its unique name',
    'kept = {bus.get_unique_name(): 1}',
    /keeps its unique name :1\.\d+, which each launch/,
  ],
  [
    'has called another service',
    "bus.send_message(dbus.lowlevel.MethodCallMessage('org.example.Other', '/', 'a.B', 'C'))",
    /has called a\.B\.C of 'org\.example\.Other'/,
  ],
  [
    'becomes a monitor',
    "bus.call_async('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus', 'BecomeMonitor', 'asu', ([], 0), None, None)",
    /asked the bus for org\.freedesktop\.DBus\.BecomeMonitor/,
  ],
  [
    'watches a client',
    "bus.add_match_string(\"type='signal',member='NameOwnerChanged',arg0=':1.7'\")",
    /watches a client of its warm-up/,
  ],
  // Nobody would renew what its child has a copy of.
  [
    'has forked when it was connected',
    "__import__('os').fork() or __import__('signal').pause()",
    process.getuid?.() === 0
      ? /its process \d+ \(\S+\) has a copy of its unique name.*connect/s
      : /only root|root/,
  ],
];

for (const [what, code, says] of refusals)
  test(`refused: an app that ${what}`, async (t) => {
    const workshop = new Workshop(t);
    const bus = new Bus(t, workshop);
    await bus.start();
    const command = [
      debianPython,
      workshop.write('service.py', `import dbus.lowlevel\n${pythonService}`),
      code,
    ];
    const built = workshop.thaw('build', profile(workshop, bus, command));
    t.is(built.status, 1);
    t.regex(built.stderr, says);
  });

const endsWithApp = 'import os, time\nwhile os.getppid() != 1: time.sleep(0.05)';
/** A helper before it is connected, which is a copy of the app, and one after it, which is a program of its own. */
const withHelpers = `import os, subprocess
if os.fork() == 0:
    exec(${JSON.stringify(endsWithApp)})
    os._exit(0)
${pythonService.replace('exec(sys.argv[1])', `subprocess.Popen([sys.executable, '-c', ${JSON.stringify(endsWithApp)}])`)}`;

(process.getuid?.() === 0 ? test : test.skip)(
  'a service with helpers that know nothing of its name',
  async (t) => {
    const workshop = new Workshop(t);
    const bus = new Bus(t, workshop);
    await bus.start();
    const command = [debianPython, workshop.write('service.py', withHelpers)];
    const built = workshop.thaw('build', profile(workshop, bus, command));
    t.is(built.status, 0, built.stderr);
    await answersTwice(t, bus, command);
    await bus.start();
    for (let i = 0; i < 12; ++i) bus.owner();
    await answersTwice(t, bus, command);
  },
);

test('what thaw has not seen cannot be replayed, and a bus has it offered', async (t) => {
  const workshop = new Workshop(t);
  const bus = new Bus(t, workshop);
  await bus.start();
  const command = [compiled(workshop, 'bus_service', '-lsystemd')];
  const toml = profile(workshop, bus, command);
  const unseen = workshop.write('unseen.toml', `${readFileSync(toml, 'utf8')}[inputs]\nwatch = false\n`);
  t.regex(workshop.thaw('build', unseen).stderr, /has not seen what they say to each other/);
});

test('the bus of a session is known by its place, where no variable names it', async (t) => {
  const workshop = new Workshop(t);
  const bus = new Bus(t, workshop);
  await bus.start();
  const script = workshop.write('service.py', pythonService);
  const toml = workshop.write(
    'service.toml',
    `name = "service"\nprogram = "${debianPython}"\nargs = ["${script}", "pass"]
env = { XDG_RUNTIME_DIR = "${join(workshop.folder, 'run')}" }\n[warmup]\n${warmup}\n[prove]\nrun = []\n`,
  );
  const { stderr, status } = workshop.thaw('build', toml);
  t.is(status, 1);
  t.regex(stderr, /it speaks with the session bus/);
  t.regex(stderr, /"replay"/);
  t.notRegex(stderr, /reconnect/);
});

/** A server that is none; what it does is its argument. */
const fakeServer = `const ok = 'OK 0123456789abcdef0123456789abcdef\\r\\n';
const message = Buffer.from('6c02010109000000010000003d0000000601730004000000', 'hex');
const ways = {
  silence: () => {},
  close: (s) => s.destroy(),
  garbage: (s) => s.write(Buffer.alloc(3000, 0x9c)),
  refusal: (s) => s.write('REJECTED EXTERNAL\\r\\n'),
  line: (s) => s.write('OK '),
  half: (s) => s.write(Buffer.concat([Buffer.from(ok), message])),
  junk: (s) => s.write(Buffer.concat([Buffer.from(ok), Buffer.alloc(100, 0xff)])),
  flood: (s) => { const more = () => { while (s.write(Buffer.alloc(65536, 0x6c))); }; s.on('drain', more); more(); },
  calls: (s) => { s.write(ok); const one = Buffer.from('6c010001000000000100000000000000', 'hex');
    const all = Buffer.concat(Array(4096).fill(one)); const more = () => { while (s.write(all)); }; s.on('drain', more); more(); },
  drip: (s) => { let i = 0; setInterval(() => s.write(ok[i++ % ok.length]), 300); },
};
`;

const ways: Readonly<Record<string, RegExp>> = {
  silence: /not answered within 2 s/,
  close: /closed the connection|Broken pipe|reset by peer/i,
  garbage: /does not speak D-Bus/,
  refusal: /refused the launch's user/,
  line: /not answered within 2 s/,
  half: /not answered within 2 s/,
  junk: /sent what is no message/,
  flood: /does not speak D-Bus/,
  calls: /sends more than was asked for|not answered within 2 s/,
  drip: /not answered within 2 s/,
};

test('whatever the server does, the app comes, cold, within two seconds', async (t) => {
  const workshop = new Workshop(t);
  const bus = new Bus(t, workshop);
  await bus.start();
  const toml = speakerProfile(workshop, bus.path);
  const built = workshop.thaw('build', toml);
  t.is(built.status, 0, built.stderr);
  const warm = workshop.launch('app', { BUS: bus.path, THAW_LOG: 'info' });
  t.is(warm.stdout, 'done\n', warm.stderr);
  bus.stop();
  const nobody = workshop.launch('app', { BUS: bus.path });
  t.is(nobody.stdout, 'warming\nwithout a bus\nwarm\ndone\n');
  t.regex(nobody.stderr, /cannot connect to .*bus.*starting cold/);
  for (const [way, says] of Object.entries(ways)) {
    await withFakeServer(t, fakeServer, bus.path, way, () => {
      const begin = performance.now();
      const cold = workshop.launch('app', { BUS: bus.path });
      const ms = performance.now() - begin;
      t.regex(cold.stdout, /^warming\nwithout a bus\nwarm\ndone\n$/, `${way}: ${cold.stderr}`);
      t.regex(cold.stderr, says, way);
      t.true(ms < 4000, `${way}: ${ms} ms`); // With the app's own start.
    });
  }
});
