// Servers of several processes: a launch answers as a cold start does, and its master leads its workers.
import test, { type ExecutionContext } from 'ava';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parse } from 'toml';

import { definitionPath } from '../../bench/paths.js';
import { Thaw } from '../../bench/thaw.js';
import { callerAccount } from '../../launcher/app/account.js';
import { minimalEnvironment } from '../../launcher/app/setting.js';
import { thawExec } from '../engine/support/paths.js';
import { isAlive } from '../engine/support/status.js';
import { allowLargePids, killAll } from '../engine/support/tree.js';

export interface Server {
  readonly profile: string;
  /** Its TOML file, if it is none of those that come with thaw. */
  readonly definition?: string;
  readonly workers: number;
  /** User that the workers are. */
  readonly user: number;
  /** A command, in the server's folder, whose output holds the pid of who has answered, as the first number or as `"pid":`. */
  readonly who: readonly string[];
  /** A command that asks for film `n`. */
  readonly film: (n: number) => readonly string[];
  /** What makes the master replace its workers; SIGHUP ends a server that has another, unless it says that it ignores it. */
  readonly reload: NodeJS.Signals;
  readonly ignoresHangUp?: boolean;
  /** Where the master writes its pid, in a folder of the server's that each instance has for itself: a launch takes such a file for a lock. */
  readonly pidFile?: string;
}

interface Definition {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const patience = 400;

async function retried<T>(work: () => T | undefined): Promise<T> {
  for (let i = 0; ; i++) {
    const result = work();
    if (result !== undefined) return result;
    if (i === patience) throw new Error(`not within ${patience} tries: ${work.toString()}`);
    await setTimeout(25);
  }
}

function childrenOf(pid: number): number[] {
  try {
    const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return list === '' ? [] : list.split(' ').map(Number);
  } catch {
    return [];
  }
}

/** Some end with their master, which takes them a moment, others live on. */
async function leftOf(workers: readonly number[]): Promise<number[]> {
  for (let waited = 0; waited < 3000 && workers.some(isAlive); waited += 100) await setTimeout(100);
  return workers.filter(isAlive);
}

function statusOf(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, 'utf8');
}

/** What a worker may do. */
function rightsOf(pid: number): string[] {
  return statusOf(pid)
    .split('\n')
    .filter((line) => /^(Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp):/.test(line));
}

function usersLine(user: number): RegExp {
  return new RegExp(`^Uid:\t${user}\t${user}\t${user}\t${user}$`, 'm');
}

/** One start of a server in a network namespace of its own, so that all have the same port. */
class Instance {
  readonly #server: Server;
  readonly #running: ChildProcess;
  readonly #folder: string;
  readonly #log: string;

  constructor(server: Server, work: string, launcher: readonly string[]) {
    const path = server.definition ?? definitionPath(server.profile);
    const { program, args, cwd, env } = parse(readFileSync(path, 'utf8')) as Definition;
    this.#server = server;
    this.#folder = resolve(dirname(path), cwd ?? '.');
    this.#log = join(work, `log-${instances++}`);
    const log = openSync(this.#log, 'a');
    const own = server.pidFile === undefined ? '' : `mount -t tmpfs own ${dirname(server.pidFile)}; `;
    const inside = `ip link set lo up; ${own}exec "$@"`;
    this.#running = spawn('unshare', ['-n', '-m', 'sh', '-c', inside, 'sh', ...launcher, program, ...args], {
      cwd: this.#folder,
      env: { ...minimalEnvironment(callerAccount()), ...env },
      stdio: ['ignore', log, log],
      detached: true,
    });
  }

  get pid(): number {
    return this.#running.pid ?? 0;
  }

  get log(): string {
    return readFileSync(this.#log, 'utf8');
  }

  /** Its workers: those of its children that answer. */
  get workers(): number[] {
    return childrenOf(this.pid).filter(isAlive);
  }

  #ask(command: readonly string[]): string | undefined {
    const inside = ['--target', String(this.pid), '--net', ...command];
    const { status, stdout } = spawnSync('nsenter', inside, { cwd: this.#folder, encoding: 'utf8' });
    return status === 0 && stdout !== '' ? stdout : undefined;
  }

  film(n: number): Promise<string> {
    return retried(() => this.#ask(this.#server.film(n)));
  }

  /** The pid that a worker says it has. */
  who(): Promise<number> {
    return retried(() => {
      const output = this.#ask(this.#server.who);
      const [, pid] = /"pid": ?(\d+)/.exec(output ?? '') ?? /^(\d+)$/m.exec(output ?? '') ?? [];
      return pid === undefined ? undefined : Number(pid);
    });
  }

  get ownFile(): string {
    return readFileSync(join(`/proc/${this.pid}/root`, this.#folder, this.#server.pidFile ?? ''), 'utf8');
  }

  /** Until it has all of its workers, none of which is among `former`. */
  whole(former: readonly number[] = []): Promise<number[]> {
    return retried(() => {
      const now = this.workers;
      return now.length === this.#server.workers && !now.some((pid) => former.includes(pid))
        ? now
        : undefined;
    });
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  async outcome(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    if (this.#running.exitCode === null && this.#running.signalCode === null)
      await once(this.#running, 'exit');
    return { code: this.#running.exitCode, signal: this.#running.signalCode };
  }

  end(): void {
    killAll([this.pid, ...this.workers].filter((pid) => pid > 1));
  }
}
let instances = 0;

/** Declares the tests of one server; they need root, for users and namespaces. */
export function proveWorkers(server: Server): void {
  const { profile } = server;
  if (process.getuid?.() !== 0) {
    test.skip(`${profile}: needs root`, (t) => {
      t.pass();
    });
    return;
  }
  allowLargePids();
  const work = mkdtempSync(join(tmpdir(), `thaw-${profile}-`));
  const thaw = new Thaw(join(work, 'store'));
  const started: Instance[] = [];
  const start = (launcher: readonly string[]): Instance => {
    const instance = new Instance(server, work, launcher);
    started.push(instance);
    return instance;
  };
  const cold = (): Instance => start([]);
  const warm = (): Instance =>
    start([thawExec, '--store', thaw.store, '--profile', profile, '--no-fallback', '--']);

  test.serial.before(`build ${profile}`, async (t) => {
    t.timeout(600_000);
    await thaw.buildFrom(server.definition ?? definitionPath(profile));
  });

  test.after.always(`end all of ${profile}`, () => {
    for (const instance of started) instance.end();
    rmSync(work, { recursive: true, force: true });
  });

  const checkAnswers = async (t: ExecutionContext, instance: Instance): Promise<void> => {
    const workers = await instance.whole();
    for (let i = 0; i < 3 * server.workers; i++) {
      const pid = await instance.who();
      t.true(workers.includes(pid), `${pid} is none of ${workers.join(', ')}\n${instance.log}`);
    }
    for (const pid of workers) t.regex(statusOf(pid), usersLine(server.user));
  };

  test.serial(`${profile}: launches answer as a cold start does`, async (t) => {
    t.timeout(600_000);
    const usual = cold();
    await checkAnswers(t, usual);
    for (let i = 0; i < 2; i++) {
      const instance = warm();
      await checkAnswers(t, instance);
      for (const n of [1, 7, 4711]) t.is(await instance.film(n), await usual.film(n));
      if (server.pidFile !== undefined) t.is(instance.ownFile.trim(), String(instance.pid));
      for (const pid of await instance.whole())
        t.deepEqual(rightsOf(pid), rightsOf((await usual.whole())[0] ?? 0));
    }
  });

  test.serial(`${profile}: a worker that is killed is followed by another`, async (t) => {
    t.timeout(600_000);
    const instance = warm();
    await instance.who(); // Before the app runs, the launch fails, as it does without one of its processes.
    const [victim = 0, ...others] = await instance.whole();
    process.kill(victim, 'SIGKILL');
    const now = await instance.whole([victim]);
    for (const pid of others) t.true(now.includes(pid), `worker ${pid} has ended, too\n${instance.log}`);
    await checkAnswers(t, instance);
  });

  const ends: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP'];
  for (const signal of ends.filter(
    (one) => one !== server.reload && !(one === 'SIGHUP' && server.ignoresHangUp === true),
  ))
    test.serial(`${profile}: ${signal} ends it as it ends a cold start`, async (t) => {
      t.timeout(600_000);
      const outcomes = [];
      for (const instance of [cold(), warm()]) {
        await instance.who();
        const workers = await instance.whole();
        instance.signal(signal);
        const outcome = await instance.outcome();
        const left = await leftOf(workers);
        outcomes.push({ ...outcome, left: left.length });
        killAll(left);
      }
      t.deepEqual(outcomes[1], outcomes[0]);
    });

  test.serial(`${profile}: ${server.reload} gives it new workers`, async (t) => {
    t.timeout(600_000);
    for (const instance of [cold(), warm()]) {
      const former = await instance.whole();
      await instance.who();
      instance.signal(server.reload);
      await instance.whole(former);
      t.true(isAlive(instance.pid), instance.log);
      await checkAnswers(t, instance);
    }
  });

  test.serial(`${profile}: two instances side by side, each with its own workers`, async (t) => {
    t.timeout(600_000);
    const [one, other] = [warm(), warm()];
    await checkAnswers(t, one);
    await checkAnswers(t, other);
    process.kill((await one.whole())[0] ?? 0, 'SIGKILL');
    const before = await other.whole();
    await one.whole();
    t.deepEqual(await other.whole(), before);
    one.signal('SIGTERM');
    await one.outcome();
    await checkAnswers(t, other);
  });
}

/** A user's number. @throws Error if there is none of that name */
export function userNumber(name: string): number {
  const { stdout } = spawnSync('id', ['-u', name], { encoding: 'utf8' });
  if (stdout === '') throw new Error(`there is no user ${name}`);
  return Number(stdout);
}
