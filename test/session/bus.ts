// A message bus of a test's own, and services on it.
import type { ExecutionContext } from 'ava';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { endChild } from '../../bench/end_child.js';
import { until } from '../../bench/until.js';
import { callOn } from '../../bench/windows/session_bus.js';
import { root, thawExec } from '../engine/support/paths.js';
import { type Workshop, builtWith } from '../launcher/support.js';
import { PATIENCE_MS } from '../patience.js';

/** What PATH has may be another interpreter, without Debian's modules. */
export const debianPython = '/usr/bin/python3';

interface Kind {
  readonly socket: string;
  readonly variable: string;
  /** As in Debian's session.conf and system.conf, and a hole for the tests' service in the latter. */
  readonly config: string;
}

const KINDS = {
  session: {
    socket: 'bus',
    variable: 'DBUS_SESSION_BUS_ADDRESS',
    config:
      '<type>session</type><policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>' +
      '<allow own="*"/><allow user="*"/></policy>',
  },
  system: {
    socket: 'system_bus_socket',
    variable: 'DBUS_SYSTEM_BUS_ADDRESS',
    config:
      '<type>system</type><policy context="default"><allow user="*"/><deny own="*"/><deny send_type="method_call"/>' +
      '<allow send_type="signal"/><allow send_requested_reply="true" send_type="method_return"/>' +
      '<allow send_requested_reply="true" send_type="error"/><allow receive_type="method_call"/>' +
      '<allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/>' +
      '<allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/></policy>' +
      '<policy context="mandatory"><allow own="org.example.Counter"/><allow send_destination="org.example.Counter"/></policy>',
  },
} as const satisfies Record<string, Kind>;

export class Bus {
  readonly path: string;
  readonly #kind: Kind;
  readonly #workshop: Workshop;
  readonly #t: ExecutionContext;
  #daemon: ChildProcess | undefined;

  constructor(t: ExecutionContext, workshop: Workshop, kind: keyof typeof KINDS = 'session') {
    this.#kind = KINDS[kind];
    this.path = join(workshop.folder, 'run', this.#kind.socket); // Python lists the folder above.
    this.#workshop = workshop;
    this.#t = t;
    for (const folder of ['services', 'run']) mkdirSync(join(workshop.folder, folder));
    t.teardown(() => this.#daemon?.kill('SIGKILL'));
  }

  get address(): string {
    return `unix:path=${this.path}`;
  }

  get env(): Readonly<Record<string, string>> {
    return { [this.#kind.variable]: this.address };
  }

  /** What builds and launches know of the bus. */
  get toml(): string {
    return `env = { ${this.#kind.variable} = "${this.address}" }\n`;
  }

  get policy(): string {
    return replayed(this.path);
  }

  async start(wrapper: readonly string[] = []): Promise<void> {
    this.stop();
    const config = this.#workshop.write(
      'bus.conf',
      `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>${this.address}</listen><auth>EXTERNAL</auth>
<servicedir>${join(this.#workshop.folder, 'services')}</servicedir>
${this.#kind.config}
</busconfig>`,
    );
    const command = [...wrapper, 'dbus-daemon', '--nofork', `--config-file=${config}`];
    this.#daemon = spawn(command[0] ?? '', command.slice(1), {
      stdio: 'ignore',
      env: { ...builtWith, ...this.env },
    });
    await until(() => existsSync(this.path), 'dbus-daemon');
  }

  stop(): void {
    this.#daemon?.kill('SIGKILL');
    this.#daemon = undefined;
    rmSync(this.path, { force: true });
  }

  call(...args: readonly string[]): string {
    return callOn(this.address, args, PATIENCE_MS);
  }

  /** Of the service that the tests have. */
  counter(member: 'Next' | 'Me'): string {
    return this.call('org.example.Counter', '/org/example/Counter', 'org.example.Counter', member);
  }

  owner(name = 'org.example.Counter'): string {
    return this.call('org.freedesktop.DBus', '/', 'org.freedesktop.DBus', 'GetNameOwner', 's', name);
  }

  /** A launch of `command`, which ends with the test. */
  launch(command: readonly string[], wrapper: readonly string[] = []): Instance {
    const [program = '', ...args] = [...wrapper, thawExec, '--store', this.#workshop.store, '--', ...command];
    const child = spawn(program, args, {
      cwd: this.#workshop.folder,
      env: { ...builtWith, ...this.env, THAW_LOG: 'info' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#t.teardown(() => child.kill('SIGKILL'));
    return new Instance(child);
  }
}

export class Instance {
  output = '';
  readonly #child: ChildProcess;

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data: Buffer) => {
        this.output += data.toString();
      });
  }

  async end(): Promise<void> {
    await endChild(this.#child);
  }
}

/** Compiles a program of this folder against Debian's libraries. */
export function compiled(workshop: Workshop, name: string, ...libraries: readonly string[]): string {
  const program = join(workshop.folder, name);
  const source = join(root, 'test', 'session', `${name}.c`);
  execFileSync('cc', ['-O1', '-Wall', '-Wextra', '-Werror', '-o', program, source, ...libraries]);
  return program;
}

function replayed(path: string): string {
  return `[[policies]]\ntype = "socket"\npath = "${path}"\naction = "replay"\n`;
}

/** Speaks by hand, and goes on without a bus. */
const speaker = `
import struct
def field(code, type, text):
    data = bytes([code, 1]) + type + b'\\0' + struct.pack('<I', len(text)) + text + b'\\0'
    return data + b'\\0' * (-len(data) % 8)
def hello():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(0.3)
    s.connect(os.environ['BUS'])
    s.sendall(b'\\0AUTH EXTERNAL ' + str(os.geteuid()).encode().hex().encode() + b'\\r\\n')
    if not s.recv(100).startswith(b'OK '): raise OSError('refused')
    fields = field(1, b'o', b'/org/freedesktop/DBus') + field(2, b's', b'org.freedesktop.DBus') + \\
             field(3, b's', b'Hello') + field(6, b's', b'org.freedesktop.DBus')
    length = len(fields) - 3
    s.sendall(b'BEGIN\\r\\nl\\1\\0\\1' + struct.pack('<III', 0, 1, length) + fields)
    time.sleep(0.2)
    if b'NameAcquired' not in s.recv(4096): raise OSError('no name')
    return s
try:
    connection = hello()
except OSError:
    print('without a bus', flush=True)
`;

/** The profile `app` of it, whose bus is at `path`. */
export function speakerProfile(workshop: Workshop, path: string): string {
  const toml = workshop.profile(
    'app',
    'until = { log = "^warm$" }\nsettle = "50ms"',
    speaker,
    `env = { BUS = "${path}" }\nadapter = "none"\n`,
  );
  const more = `${replayed(path)}[inputs]\nignore = ["${path}", "go"]\n`;
  return workshop.write('app.toml', readFileSync(toml, 'utf8') + more);
}
