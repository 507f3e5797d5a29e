// PostgreSQL, as its two profiles have it: a catalogue that is only read is launched warm (its processes, shared memory, locks
// come back); a shop whose data change is held before it reads them. Data are right after each launch, and kept.
import test, { type ExecutionContext } from 'ava';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { cli, root } from '../engine/support/paths.js';
import { type Outcome, Running, until } from '../engine/support/process.js';
import { killAll } from '../engine/support/tree.js';
import { PATIENCE_MS } from '../patience.js';

const bin = '/usr/lib/postgresql/15/bin';
const asPostgres = ['setpriv', '--reuid=postgres', '--regid=postgres', '--init-groups', '--'];
const profiles = join(root, 'profiles', 'postgresql');
const clusters = join(root, 'build', 'profiles', 'postgresql');
const films = '100000';

/** Of servers: they stand in their data's folder. */
function processesIn(folder: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && workingFolder(name).startsWith(folder))
    .map(Number);
}

function workingFolder(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return ''; // It has ended.
  }
}

/** A copy of a cluster under a port of its own, and the profile for it. */
class Cluster {
  readonly data: string;
  readonly profile: string;
  readonly store: string;
  #launches = 0;

  constructor(
    readonly folder: string,
    readonly name: string,
    readonly port: number,
    from: { readonly data: string; readonly profile: string; readonly port: number },
    more = '',
  ) {
    this.data = join(folder, name);
    this.store = join(folder, 'store');
    execFileSync('cp', ['-a', from.data, this.data]);
    const settings = join(this.data, 'postgresql.conf');
    writeFileSync(settings, readFileSync(settings, 'utf8').replaceAll(`${from.port}`, `${port}`));
    const toml = readFileSync(join(profiles, from.profile), 'utf8')
      .replaceAll(`${from.port}`, `${port}`)
      .replace(/^name .*$/m, `name = "${name}"`)
      .replace(/^cwd .*$/m, `cwd = "${this.data}"`);
    this.profile = join(folder, `${name}.toml`);
    writeFileSync(this.profile, toml + more);
  }

  static catalogue(folder: string, name: string, port: number): Cluster {
    return new Cluster(folder, name, port, {
      data: join(clusters, 'catalogue'),
      profile: 'profile.toml',
      port: 8209,
    });
  }

  static shop(folder: string, name: string, port: number, profile = 'shop.toml', more = ''): Cluster {
    return new Cluster(folder, name, port, { data: join(clusters, 'shop'), profile, port: 8210 }, more);
  }

  build(): { readonly status: number | null; readonly stderr: string } {
    return spawnSync(process.execPath, [cli, 'build', '--store', this.store, this.profile], {
      encoding: 'utf8',
      timeout: 600_000,
    });
  }

  expectBuilt(t: ExecutionContext): void {
    const { status, stderr } = this.build();
    t.is(status, 0, stderr);
  }

  /** Starts it as `thaw run` does; `warm`: or not at all. */
  start(warm: boolean): Running {
    const flags = warm ? ['--no-fallback'] : [];
    return new Running(
      [...asPostgres, process.execPath, cli, 'run', '--store', this.store, ...flags, this.name],
      {
        output: join(this.folder, `${this.name}-${this.#launches++}`),
        env: { THAW_LOG: 'info' },
        timeout: 600_000,
      },
    );
  }

  /** An instance that answers. */
  async launch(warm = true): Promise<Running> {
    const running = this.start(warm);
    await until('the server to answer', () => running.ended || this.answers());
    if (running.ended) throw new Error(`it has ended:\n${(await running.outcome).stderr}`);
    return running;
  }

  answers(): boolean {
    return spawnSync(`${bin}/pg_isready`, ['-q', '-h', '127.0.0.1', '-p', `${this.port}`]).status === 0;
  }

  /** What the server says to `sql`, or the reason why not. */
  ask(sql: string, host = '127.0.0.1'): string {
    const asked = spawnSync(
      `${bin}/psql`,
      ['-X', '-h', host, '-p', `${this.port}`, '-U', 'postgres', '-Atc', sql],
      { encoding: 'utf8', timeout: PATIENCE_MS },
    );
    return asked.stdout.trim() + asked.stderr.trim();
  }

  get pidFile(): string {
    return join(this.data, 'postmaster.pid');
  }

  /** As pg_control has it: "shut down", "in production" ... */
  state(): string {
    const told = execFileSync(`${bin}/pg_controldata`, ['-D', this.data], { encoding: 'utf8' });
    return /^Database cluster state: +(.*)$/m.exec(told)?.[1] ?? '';
  }

  async stop(running: Running, signal: NodeJS.Signals = 'SIGTERM'): Promise<Outcome> {
    running.kill(signal);
    return running.outcome;
  }

  /** As when the power fails. */
  async killAll(running: Running): Promise<Outcome> {
    killAll(processesIn(this.data));
    return running.outcome;
  }
}

/** A folder for one test; undefined, and the test has passed, where PostgreSQL cannot be run as its own user. */
function workFolder(t: ExecutionContext): string | undefined {
  if (process.getuid?.() !== 0 || !existsSync(`${bin}/postgres`)) {
    t.log('PostgreSQL runs as its own user, which only root can start it as');
    t.pass();
    return undefined;
  }
  t.timeout(600_000);
  execFileSync('sh', [join(profiles, 'prepare.sh')]);
  const folder = mkdtempSync(join(tmpdir(), 'thaw-postgresql-'));
  chmodSync(folder, 0o755);
  t.teardown(() => {
    killAll(processesIn(folder));
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Shared memory of the user postgres; a server that has ended leaves none. */
function segments(): string {
  return execFileSync('sh', ['-c', 'ipcs -m | grep postgres || true'], { encoding: 'utf8' });
}

const started = /starting PostgreSQL/;
const recovered = /not properly shut down|was interrupted|redo starts/;

test.serial('a catalogue is launched warm, however its last instance has ended', async (t) => {
  const folder = workFolder(t);
  if (folder === undefined) return;
  const cluster = Cluster.catalogue(folder, 'catalogue', 8209);
  cluster.expectBuilt(t);
  // What the build leaves is what a server leaves that was shut down.
  t.is(cluster.state(), 'shut down in recovery');
  t.false(existsSync(cluster.pidFile));
  t.is(segments(), '');

  for (const ending of ['SIGTERM', 'SIGINT', 'SIGKILL', 'SIGTERM'] as const) {
    const running = await cluster.launch();
    t.is(cluster.ask('SELECT count(*), min(title) FROM film'), `${films}|film-1-7919`);
    t.is(cluster.ask('SELECT year FROM film WHERE id = 4711', cluster.data), '2011', 'by its unix socket');
    t.is(readFileSync(cluster.pidFile, 'utf8').split('\n')[0], String(running.pid));
    t.regex(cluster.ask('DELETE FROM film'), /read-only transaction/);
    const { code, stderr } =
      ending === 'SIGKILL' ? await cluster.killAll(running) : await cluster.stop(running, ending);
    if (ending !== 'SIGKILL') t.is(code, 0, stderr);
    t.notRegex(stderr, started);
    t.notRegex(stderr, recovered);
    await until('all of its processes to end', () => processesIn(cluster.data).length === 0);
  }
  t.is(segments(), '');
});

test.serial('a second instance on the same data is refused as by a cold start', async (t) => {
  const folder = workFolder(t);
  if (folder === undefined) return;
  const cluster = Cluster.catalogue(folder, 'catalogue', 8209);
  cluster.expectBuilt(t);
  const running = await cluster.launch();
  const second = await cluster.start(false).outcome;
  t.regex(second.stderr, new RegExp(`names process ${running.pid}, which lives`));
  t.regex(second.stderr, /FATAL: +lock file "postmaster.pid" already exists/);
  t.is(second.code, 1);
  // Without these files, the shared memory tells.
  for (const file of ['postmaster.pid', '.s.PGSQL.8209.lock']) rmSync(join(cluster.data, file));
  const third = await cluster.start(true).outcome;
  t.is(third.code, 125);
  t.regex(third.stderr, /another process has attached the System V shared memory/);
  t.is(cluster.ask('SELECT count(*) FROM film'), films);
  await cluster.stop(running);
});

test.serial('copies of the data have images of their own, and run side by side', async (t) => {
  const folder = workFolder(t);
  if (folder === undefined) return;
  const [one, other] = [
    Cluster.catalogue(folder, 'one', 8209),
    Cluster.catalogue(folder, 'other', 8211),
  ] as const;
  for (const cluster of [one, other]) cluster.expectBuilt(t);
  const running = await Promise.all([one.launch(), other.launch()]);
  for (const cluster of [one, other]) t.is(cluster.ask('SELECT count(*) FROM film'), films);
  t.is(one.ask('SHOW data_directory'), one.data);
  t.is(other.ask('SHOW data_directory'), other.data);
  for (const [i, cluster] of [one, other].entries()) {
    const instance = running[i];
    if (instance !== undefined) t.is((await cluster.stop(instance)).code, 0);
  }
});

test.serial('a catalogue that was changed is started cold, and its data are kept', async (t) => {
  const folder = workFolder(t);
  if (folder === undefined) return;
  const cluster = Cluster.catalogue(folder, 'catalogue', 8209);
  cluster.expectBuilt(t);
  const running = await cluster.launch();
  t.is(cluster.ask('SELECT pg_promote()'), 't');
  t.is(cluster.ask("INSERT INTO film VALUES (0, 'of today', 2026, 90) RETURNING id"), '0\nINSERT 0 1');
  t.is((await cluster.stop(running)).code, 0);

  const refused = await cluster.start(true).outcome;
  t.is(refused.code, 125);
  t.regex(refused.stderr, /(pg_wal|standby\.signal)\S* (has changed|holds other names|is gone)/);
  const cold = await cluster.launch(false);
  t.is(cluster.ask('SELECT count(*), max(year) FROM film'), '100001|2026');
  const { code, stderr } = await cluster.stop(cold);
  t.is(code, 0);
  t.regex(stderr, started);
  t.notRegex(stderr, recovered);
});

test.serial('a shop is launched before it reads its data: each launch has those of the last', async (t) => {
  const folder = workFolder(t);
  if (folder === undefined) return;
  const cluster = Cluster.shop(folder, 'shop', 8210);
  cluster.expectBuilt(t);
  t.is(cluster.state(), 'shut down');
  for (let n = 1; n <= 3; n++) {
    const running = await cluster.launch();
    t.is(cluster.ask(`INSERT INTO sale (film) VALUES (${n}) RETURNING id`), `${n}\nINSERT 0 1`);
    const { code, stderr } = await cluster.stop(running);
    t.is(code, 0, stderr);
    t.regex(stderr, started);
    t.notRegex(stderr, recovered);
  }
  // It recovers where a cold start does, and there alone.
  const killed = await cluster.launch();
  t.is(cluster.ask('INSERT INTO sale (film) VALUES (4) RETURNING id'), '4\nINSERT 0 1');
  await cluster.killAll(killed);
  const running = await cluster.launch();
  t.regex(running.stderr, recovered);
  t.is(cluster.ask('SELECT count(*), sum(film) FROM sale'), '4|10');
  const second = await cluster.start(true).outcome;
  t.regex(second.stderr, /FATAL: +lock file "postmaster.pid" already exists/);
  t.is((await cluster.stop(running)).code, 0);
});

test.serial('a server that writes to its data is not built while it runs', (t) => {
  const folder = workFolder(t);
  if (folder === undefined) return;
  const cluster = Cluster.shop(folder, 'shop', 8210, 'profile.toml');
  writeFileSync(
    cluster.profile,
    readFileSync(cluster.profile, 'utf8')
      .replaceAll('8209', '8210')
      .replace('read-only connections', 'connections')
      .replace(
        /^run .*$/gm,
        `run = ["psql -X -h 127.0.0.1 -p 8210 -U postgres -c 'INSERT INTO sale (film) VALUES (1)'"]`,
      ),
  );
  appendFileSync(
    join(cluster.data, 'postgresql.conf'),
    'autovacuum = off\nmax_logical_replication_workers = 0\n',
  );
  const built = cluster.build();
  t.is(built.status, 1);
  t.regex(built.stderr, /is open for writing|by an instance of the build, and the app locks its data/);
  t.is(cluster.state(), 'shut down');
});
