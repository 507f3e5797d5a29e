// Runs in a guest whose first program is systemd: services that are launched by the drop-ins of `thaw unit`. One boot makes
// images and drop-ins (`prepare`), the next starts the services (`start`). Prints one line of JSON for each.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { PATIENCE_MS } from '../../patience.js';

export interface ServiceRow {
  readonly name: string;
  readonly app: 'plain' | 'notify' | 'watchdog';
  /** Of [Service]. */
  readonly settings: readonly string[];
  /** Options of `thaw unit`. */
  readonly options?: readonly string[];
  /** Started by systemd itself, at boot. */
  readonly atBoot?: true;
  /** What is done to it once it runs: it ends with an error; it stops saying that it is alive, after it has for a while. */
  readonly then?: 'fail' | 'hang';
}

export interface Prepared {
  readonly name: string;
  /** Of `thaw unit`. */
  readonly status: number | null;
  readonly said: string;
}

export interface Started {
  readonly name: string;
  readonly state: string;
  readonly restarts: number;
  /** Of the main process. */
  readonly command: string;
  /** What the service and thaw-exec said, in all of its starts. */
  readonly said: string;
}

const PROGRAM = '/srv/service/service.py';

interface Outcome {
  readonly status: number | null;
  readonly said: string;
}

export function run(program: string, ...args: readonly string[]): Outcome {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  return { status, said: error === undefined ? `${stdout}${stderr}`.trim() : String(error) };
}

/** @throws Error with what it said, when it fails */
export function must(program: string, ...args: readonly string[]): string {
  const { status, said } = run(program, ...args);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${status ?? 'no status'}: ${said}`);
  return said;
}

const profile = (app: string, until: string): string => `name = "${app}"
program = "/usr/bin/python3"
args = ["${PROGRAM}", "${app}"]
cwd = "/"
[warmup]
until = ${until}
settle = "100ms"
timeout = "5m"
[prove]
run = []
`;

const unit = ({ app, settings, atBoot }: ServiceRow): string => `[Service]
ExecStart=/usr/bin/python3 ${PROGRAM} ${app}
Environment=THAW_LOG=info
TimeoutStartSec=300
${settings.join('\n')}
${atBoot === true ? '[Install]\nWantedBy=multi-user.target\n' : ''}`;

function prepare(rows: readonly ServiceRow[]): readonly Prepared[] {
  must('cp', '-a', '/in/packages/.', '/');
  mkdirSync('/srv/service', { recursive: true });
  must('cp', '/in/service.py', PROGRAM);
  for (const row of rows) writeFileSync(`/etc/systemd/system/${row.name}.service`, unit(row));
  writeFileSync('/srv/plain.toml', profile('plain', '{ log = "warmed up" }'));
  for (const app of ['notify', 'watchdog'])
    writeFileSync(`/srv/${app}.toml`, profile(app, '{ notify = true }'));
  // The first start of Python may write compiled modules, which a warm-up takes for a change of its inputs.
  must('python3', '-c', 'import os, random, signal, socket, sys, threading, time');
  console.error(must('thaw', 'build', '/srv/plain.toml', '/srv/notify.toml'));
  // Its WATCHDOG_USEC is in the environment, all of which Python looks at.
  console.error(must('thaw', 'build', '--like-unit', 'watchdog.service', '/srv/watchdog.toml'));
  const prepared = rows.map(({ name, options = [] }) => ({ name, ...run('thaw', 'unit', ...options, name) }));
  for (const { name, atBoot } of rows) if (atBoot === true) must('systemctl', 'enable', name);
  return prepared;
}

export function show(name: string, property: string): string {
  return must('systemctl', 'show', '--value', '-p', property, name);
}

export async function until(what: string, reached: () => boolean, everyMs = 300): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!reached()) {
    if (Date.now() > end) throw new Error(`${what}: not in time`);
    await sleep(everyMs);
  }
}

/** Until it has said that it is alive for longer than systemd waits for that. */
async function outlive(name: string): Promise<void> {
  const seconds = (property: string): number => Number(show(name, property)) / 1e6;
  const patience = /(\d+)s/.exec(show(name, 'WatchdogUSec'))?.[1] ?? '0';
  await until(`the watchdog of ${name}`, () => {
    const said = seconds('WatchdogTimestampMonotonic') - seconds('ActiveEnterTimestampMonotonic');
    return said > 1.2 * Number(patience);
  });
  if (show(name, 'NRestarts') !== '0') throw new Error(`${name} was restarted`);
}

async function start({ name, atBoot, then }: ServiceRow): Promise<Started> {
  // At boot, its program may still be on its way.
  if (atBoot !== true) run('systemctl', 'start', name);
  await until(`the start of ${name}`, () => /^(active|failed)$/.test(show(name, 'ActiveState')));
  if (then === 'hang') await outlive(name);
  if (then !== undefined) {
    must('systemctl', 'kill', '--signal', then === 'hang' ? 'USR1' : 'USR2', name);
    await until(`the restart of ${name}`, () => show(name, 'NRestarts') !== '0');
    await until(`the second start of ${name}`, () => show(name, 'ActiveState') === 'active');
  }
  const main = show(name, 'MainPID');
  // What a start says is said before its first second.
  await sleep(3000);
  const found: Started = {
    name,
    state: show(name, 'ActiveState'),
    restarts: Number(show(name, 'NRestarts')),
    command: run('cat', `/proc/${main}/cmdline`).said.replaceAll('\0', ' ').trim(),
    said: must('journalctl', '-b', '-o', 'cat', '--no-pager', '-u', name),
  };
  if (atBoot !== true) must('systemctl', 'stop', name);
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , what, text = '[]'] = process.argv;
  const rows = JSON.parse(text) as ServiceRow[];
  if (what === 'prepare') for (const each of prepare(rows)) console.log(JSON.stringify(each));
  else for (const row of rows) console.log(JSON.stringify(await start(row)));
}
