// A daemon over a store with one Python app, on a machine whose pressure and battery the test sets.
import type { ExecutionContext } from 'ava';
import { type ChildProcess, type SpawnSyncReturns, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import type { Status } from '../../launcher/daemon/status.js';
import { type Parameters, call } from '../../launcher/daemon/varlink.js';
import { cli, thawExec } from '../engine/support/paths.js';
import { until } from '../engine/support/process.js';
import { Workshop, builtWith, python } from './support.js';

type Row = Status['profiles'][number];

/** Everything at once, and no limit but those of the test. */
const AT_ONCE = [
  ...['--tick', '50ms', '--settle', '100ms', '--delay', '1ms', '--retry', '1ms', '--nice', '1'],
  ...['--limit', 'space=0', '--limit', 'memory=off'],
];

/** Says what is in config.txt, and does as that says; dies after a launch where there is a file `crash`. */
const WORK = `
import builtins
level = open('config.txt').read().strip()
def print(*words, **more): builtins.print(*words, level, **more)
if level == 'bad': time.sleep(1); sys.exit(3)
if level == 'big': held = bytearray(b'x') * 150_000_000; time.sleep(4)
if level == 'slow': time.sleep(1)
def wait_for(name):
    while not os.path.exists(name): time.sleep(0.001)
    if os.path.exists('crash'): os.kill(os.getpid(), 11)
`;

export class Watched {
  readonly machine: string;
  readonly socket: string;
  readonly metricsFile: string;
  readonly metricsSocket: string;
  #daemon: ChildProcess | undefined;
  said = '';
  /** More variables of the daemon's. */
  env: Readonly<Record<string, string>> = {};

  /** With `prepare` done to its workshop before anything is built. */
  static async on(t: ExecutionContext, prepare: (workshop: Workshop) => Promise<void>): Promise<Watched> {
    const workshop = new Workshop(t);
    await prepare(workshop);
    return new Watched(t, '', workshop);
  }

  constructor(
    private readonly t: ExecutionContext,
    more = '',
    readonly workshop = new Workshop(t),
  ) {
    const { folder } = workshop;
    // Beside the folder of the app, whose names may be its inputs.
    const beside = `${folder}-daemon`;
    this.machine = join(beside, 'machine');
    this.socket = join(beside, 'run/daemon');
    this.metricsFile = join(beside, 'thaw.prom');
    this.metricsSocket = join(beside, 'run/metrics');
    t.teardown(async () => {
      await this.stop();
      rmSync(beside, { recursive: true, force: true });
    });
    this.pressure('cpu', 0);
    this.set('one');
    const toml = this.workshop.profile('app', 'until = { log = "^warm" }\nsettle = "20ms"', WORK);
    // On a busy machine, it may look but once before its checkpoint.
    const ignored = `[inputs]\nignore = ["${folder}/go"]\n`;
    writeFileSync(toml, `${readFileSync(toml, 'utf8')}\n[prove]\nrun = []\n${ignored}${more}`);
    const built = this.workshop.thaw('build', toml);
    t.is(built.status, 0, built.stderr);
  }

  get folder(): string {
    return join(this.workshop.store, 'profiles/app');
  }

  /** The app's input. */
  set(level: string): void {
    this.workshop.write('config.txt', `${level}\n`);
  }

  /** A file in the proc or sys that the daemon reads. */
  tells(path: string, text: string): void {
    const file = join(this.machine, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${text}\n`);
  }

  pressure(what: string, percent: number): void {
    this.tells(`proc/pressure/${what}`, `some avg10=${percent.toFixed(2)} avg60=0.00 avg300=0.00 total=1`);
  }

  battery(status: string, percent: number): void {
    this.tells('sys/class/power_supply/BAT0/type', 'Battery');
    this.tells('sys/class/power_supply/BAT0/capacity', String(percent));
    this.tells('sys/class/power_supply/BAT0/status', status);
  }

  async start(...options: readonly string[]): Promise<void> {
    const words = [cli, 'daemon', '--store', this.workshop.store, '--machine', this.machine];
    const places = ['--socket', this.socket, '--metrics-file', this.metricsFile];
    const { JOURNAL_STREAM: _, ...env } = process.env;
    const daemon = spawn(
      process.execPath,
      [...words, ...places, '--metrics-socket', this.metricsSocket, ...AT_ONCE, ...options],
      // A process group of its own: with the build in it, it can be killed as one.
      {
        cwd: this.workshop.folder,
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...env, ...this.env },
        detached: true,
      },
    );
    daemon.stderr.setEncoding('utf8').on('data', (part: string) => (this.said += part));
    this.#daemon = daemon;
    let answers = false;
    await until('the daemon to listen', () => {
      void this.status().then(
        () => (answers = true),
        () => undefined,
      );
      return answers || daemon.exitCode !== null;
    });
    this.t.is(daemon.exitCode, null, this.said);
  }

  /** Its exit code. */
  async stop(): Promise<number | null> {
    const daemon = this.#daemon;
    this.#daemon = undefined;
    if (daemon === undefined || daemon.exitCode !== null) return null;
    daemon.kill('SIGTERM');
    await once(daemon, 'close');
    return daemon.exitCode;
  }

  /** It and the build that it does, at once. */
  async kill(): Promise<void> {
    const daemon = this.#daemon;
    this.#daemon = undefined;
    if (daemon?.pid === undefined) return;
    process.kill(-daemon.pid, 'SIGKILL');
    await once(daemon, 'close');
  }

  call(method: string, parameters: Parameters = {}): Promise<Parameters> {
    return call(this.socket, `thaw.Daemon.${method}`, parameters);
  }

  async status(): Promise<Status> {
    return (await this.call('Status')) as unknown as Status;
  }

  async app(): Promise<Row> {
    const row = (await this.status()).profiles.find(({ name }) => name === 'app');
    if (row === undefined) throw new Error(`there is no profile: ${this.said}`);
    return row;
  }

  /** Asks until it is so, and answers with what was told then. */
  async once(what: string, holds: (row: Row) => boolean): Promise<Row> {
    let last: Row | undefined;
    let asking = false;
    const ask = async (): Promise<void> => {
      asking = true;
      last = await this.app().catch(() => last);
      asking = false;
    };
    await until(what, () => {
      if (!asking) void ask();
      return last !== undefined && holds(last);
    }).catch((error: unknown) => {
      throw new Error(`${what}: ${JSON.stringify(last)} ${this.said}`, { cause: error });
    });
    if (last === undefined) throw new RangeError('nothing was told');
    return last;
  }

  /** A launch of the app, which ends at once. */
  launched(): SpawnSyncReturns<string> {
    return this.workshop.launch('app');
  }

  /** What a launch says; the last of it is in config.txt. */
  launch(): { readonly warm: boolean; readonly level: string; readonly stderr: string } {
    const { stdout, stderr } = this.launched();
    return {
      warm: !stdout.includes('warming'),
      level: /^done (\w+)$/m.exec(stdout)?.[1] ?? `none: ${stdout}`,
      stderr,
    };
  }

  /** An instance that runs until there is a file `go`. */
  run(): ChildProcess {
    return this.runs([thawExec, '--store', this.workshop.store, '--', python, 'app.py']);
  }

  /** Any command, until the test ends. */
  runs(
    command: readonly string[],
    { cwd = this.workshop.folder, env = {} }: { cwd?: string; env?: Record<string, string> } = {},
  ): ChildProcess {
    const [program = '', ...args] = command;
    const running = spawn(program, args, { cwd, stdio: 'ignore', env: { ...builtWith, ...env } });
    this.t.teardown(() => running.kill('SIGKILL'));
    return running;
  }

  /** What builds leave behind that do not end. */
  get leftovers(): string[] {
    return readdirSync(this.folder).filter((name) => /^\.new-|\.\d+$/.test(name));
  }
}
