// Runs in a guest whose first program is systemd, with weston: apps with a window as services that start at boot. One boot for
// each makes its image and drop-in (`prepare`); each later one tells of the app that has started with it (`report`). Prints one line of JSON.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { commandOf } from '../../../bench/start.js';
import { westonArguments } from '../../../bench/windows/compositor.js';
import { Seat } from '../../../bench/windows/seat.js';
import { must, show, until } from './services.js';

/** What the next boot starts. */
export interface Kiosk {
  readonly name: string;
  readonly how: 'warm' | 'cold';
}

export interface Shown {
  /** Since the kernel has begun to count, in ms. */
  readonly executed: number;
  readonly shown: number;
  /** What was on the screen. */
  readonly picture: string;
  /** Of the main process. */
  readonly command: string;
  /** What it and thaw-exec said, until it was clicked on. */
  readonly said: string;
}

const FOLDER = '/run/kiosk';
const UNITS = '/etc/systemd/system';
const seat = new Seat(FOLDER);

const weston = (): string => `[Service]
Type=notify
RuntimeDirectory=kiosk
RuntimeDirectoryMode=0700
Environment=XDG_RUNTIME_DIR=${FOLDER}
${Object.entries(seat.variables())
  .map(([name, value]) => `Environment=${name}=${value}`)
  .join('\n')}
ExecStartPre=/usr/bin/mkfifo ${FOLDER}/commands
ExecStart=/usr/bin/weston ${westonArguments('wayland-0').join(' ')} --modules=systemd-notify.so,/srv/seat.so
TimeoutStartSec=300
[Install]
WantedBy=multi-user.target
`;

/** In the folder of the compositor's. */
const BUS = `[Unit]
Requires=weston.service
After=weston.service
[Service]
ExecStart=/usr/bin/dbus-daemon --session --nofork --nopidfile --address=unix:path=${FOLDER}/session-bus
ExecStartPost=/usr/bin/timeout 300 sh -c 'until test -S ${FOLDER}/session-bus; do sleep 0.1; done'
TimeoutStartSec=300
`;

const definition = (name: string): string => `/srv/${name}/profile.toml`;

const needs = (env: NodeJS.ProcessEnv): string =>
  'DBUS_SESSION_BUS_ADDRESS' in env ? 'weston.service kiosk-bus.service' : 'weston.service';

function unit(name: string): string {
  const { command, cwd, env } = commandOf({ profile: name, definition: definition(name) });
  const variables = Object.entries({ ...env, THAW_LOG: 'info' }).map(
    ([key, value]) => `Environment="${key}=${value}"\n`,
  );
  return `[Unit]
Requires=${needs(env)}
After=${needs(env)}
[Service]
WorkingDirectory=${cwd}
${variables.join('')}ExecStart=${command.join(' ')}
TimeoutStartSec=300
[Install]
WantedBy=multi-user.target
`;
}

/** What its own packages would have done when they were installed, and systemd's when it was told of the units. */
function install(names: readonly string[], cpu: string): void {
  must('cp', '-a', '/in/packages/.', '/');
  must('fc-cache');
  cpSync(`/share/build/${cpu}/bench/weston_seat.so`, '/srv/seat.so');
  writeFileSync(`${UNITS}/weston.service`, weston());
  writeFileSync(`${UNITS}/kiosk-bus.service`, BUS);
  for (const name of names) {
    cpSync(`/share/profiles/${name}`, `/srv/${name}`, { recursive: true });
    writeFileSync(`${UNITS}/${name}.service`, unit(name));
  }
  must('systemctl', 'daemon-reload');
  must('systemctl', 'enable', '--now', 'weston');
}

/** Of several apps, each in a boot of its own: soon after it, the clocks stand low. @returns what the commands said */
function prepare(names: readonly string[], cpu: string, app: string): string {
  if (!existsSync(`${UNITS}/weston.service`)) install(names, cpu);
  must('systemctl', 'start', 'kiosk-bus');
  return [
    must('thaw', 'build', '--like-unit', `${app}.service`, definition(app)),
    must('thaw', 'unit', app),
  ].join('\n');
}

function setNext(names: readonly string[], next: Kiosk): void {
  for (const name of names) {
    must('systemctl', name === next.name ? 'enable' : 'disable', name);
    const [warm, cold] = [`${UNITS}/${name}.service.d/zz-thaw.conf`, `${UNITS}/${name}.service.d/off`];
    const [from, to] = next.how === 'warm' ? [cold, warm] : [warm, cold];
    if (existsSync(from)) renameSync(from, to);
  }
}

/** Once it changes no more. */
async function picture(): Promise<string> {
  const hash = async (): Promise<string> =>
    createHash('sha256')
      .update(await seat.picture())
      .digest('hex');
  for (let before = await hash(); ;) {
    await sleep(3000);
    const now = await hash();
    if (now === before) return now;
    before = now;
  }
}

async function report({ name }: Kiosk, clickAt: string): Promise<Shown> {
  const pid = Number(show(name, 'MainPID'));
  const ns = await seat.shown(pid);
  const said = (): string => must('journalctl', '-b', '-o', 'cat', '--no-pager', '-u', name);
  const found = await picture();
  await until(`a click on ${name}`, () => {
    void seat.command(`click ${clickAt}`);
    return /^clicks \d+$/m.test(said());
  });
  return {
    executed: Number(show(name, 'ExecMainStartTimestampMonotonic')) / 1e3,
    shown: ns / 1e6,
    picture: found,
    command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim(),
    said: said(),
  };
}

export interface Order {
  readonly cpu: string;
  readonly names: readonly string[];
  /** The app whose image is made in this boot, or what this boot has started. */
  readonly now: { readonly build: string } | (Kiosk & { readonly clickAt: string });
  readonly next?: Kiosk | undefined;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { cpu, names, now, next } = JSON.parse(process.argv[2] ?? '') as Order;
  const found = 'build' in now ? { said: prepare(names, cpu, now.build) } : await report(now, now.clickAt);
  if (next !== undefined) setNext(names, next);
  console.log(JSON.stringify(found));
  process.exit(0);
}
