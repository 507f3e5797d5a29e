// The log of the system: an app that has it open is launched with a connection of its own, and needs no policy for it.
import test, { type ExecutionContext } from 'ava';

import { type ChildProcess, spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { cli, thawExec } from '../engine/support/paths.js';
import { builtWith, Workshop } from '../launcher/support.js';
import { PATIENCE_MS } from '../patience.js';
import { until } from '../../bench/until.js';
import { debianPython, Instance } from './bus.js';

const LOG = '/run/systemd/journal/dev-log';

/** Logs as Python's own handler does, which keeps its socket, over and over. */
const app = `import logging, logging.handlers, os, sys, time
log = logging.getLogger('app')
log.addHandler(logging.handlers.SysLogHandler('${LOG}'))
log.warning('warming up')
print('up', flush=True)
while True:
    time.sleep(0.05)
    log.warning('as %d', os.getpid())
`;

/** Writes each message down, with the pid that the kernel says it is from. */
const server = `import socket, struct, sys
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
log.bind('${LOG}')
while True:
    data, more, flags, address = log.recvmsg(4096, socket.CMSG_SPACE(12))
    with open(sys.argv[1], 'a') as file: print(struct.unpack('3i', more[0][2])[0], data.decode(), file=file)
`;

/** A system of the test's own as far as its log goes. */
class System {
  readonly #t: ExecutionContext;
  readonly #workshop: Workshop;
  readonly #holder: ChildProcess;
  #server: ChildProcess | undefined;

  constructor(t: ExecutionContext, workshop: Workshop) {
    this.#t = t;
    this.#workshop = workshop;
    const folder = LOG.slice(0, LOG.lastIndexOf('/'));
    const ready = join(workshop.folder, 'ready');
    const script = `mkdir -p ${folder}; mount -t tmpfs none ${folder}; touch ${ready}; exec sleep infinity`;
    this.#holder = spawn('unshare', ['--mount', 'sh', '-c', script], { stdio: 'ignore' });
    t.teardown(() => this.#holder.kill('SIGKILL'));
  }

  async started(): Promise<void> {
    await until(() => existsSync(join(this.#workshop.folder, 'ready')), 'the mount namespace');
  }

  /** A command within it. */
  within(...command: readonly string[]): string[] {
    return ['nsenter', '-t', String(this.#holder.pid), '-m', `--wd=${this.#workshop.folder}`, ...command];
  }

  /** Starts what takes the messages, anew. @returns the file of those that it gets */
  async log(name: string): Promise<string> {
    this.#server?.kill('SIGKILL');
    this.run('rm', '-f', LOG);
    const folder = join(this.#workshop.folder, 'logs'); // Python lists the folder above.
    mkdirSync(folder, { recursive: true });
    const file = join(folder, name);
    const [program = '', ...args] = this.within(debianPython, '-c', server, file);
    this.#server = spawn(program, args, { stdio: 'ignore' });
    this.#t.teardown(() => this.#server?.kill('SIGKILL'));
    await until(() => this.run('test', '-S', LOG).status === 0, 'the log');
    return file;
  }

  run(...command: readonly string[]): SpawnSyncReturns<string> {
    const [program = '', ...args] = this.within(...command);
    return spawnSync(program, args, { encoding: 'utf8', timeout: PATIENCE_MS });
  }
}

test('an app that has the log open logs in each launch, to the log that is there then', async (t) => {
  if (process.getuid?.() !== 0) return void t.pass('needs root, for a log of its own');
  const workshop = new Workshop(t);
  const system = new System(t, workshop);
  await system.started();
  await system.log('build.log');
  const path = workshop.write('app.py', app);
  const profile = workshop.write(
    'app.toml',
    `name = "app"\nprogram = "${debianPython}"\nargs = ["${path}"]\n` +
      '[warmup]\nuntil = { log = "^up" }\n[prove]\nrun = []\n[[policies]]\ntype = "socket"\naction = "close"\n',
  );
  const built = system.run(process.execPath, cli, 'build', '--store', workshop.store, profile);
  t.is(built.status, 0, built.stderr);

  for (const round of [1, 2]) {
    const file = await system.log(`launch-${round}.log`);
    const [program = '', ...args] = system.within(
      thawExec,
      '--store',
      workshop.store,
      '--',
      debianPython,
      path,
    );
    const child = spawn(program, args, { env: { ...builtWith, THAW_LOG: 'info' }, stdio: 'pipe' });
    t.teardown(() => child.kill('SIGKILL'));
    const instance = new Instance(child);
    const own = `${child.pid} <12>as ${child.pid}`;
    await until(() => existsSync(file) && readFileSync(file, 'utf8').includes(own), instance.output);
    t.notRegex(instance.output, /starting cold/);
    t.notRegex(readFileSync(file, 'utf8'), /warming up/);
    await instance.end();
  }
});
