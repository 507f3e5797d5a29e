// Runs in a guest whose first program is systemd: a person's first hour with thaw. The first boot installs (`install`), the
// second one upgrades (`upgrade`). Prints a line of JSON for each step, with what was found; throws where a step fails.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import type { Counts, Status } from '../../../launcher/daemon/status.js';
import { messageOf } from '../../../launcher/errors.js';
import { must, run, show, until as untilReached } from './services.js';

export interface Step {
  readonly step: string;
  readonly said: string;
}

const told = (step: string, said: string): void => {
  console.log(JSON.stringify({ step, said } satisfies Step));
};

const PROFILE = `name = "greeter"
program = "/usr/bin/python3"
args = ["/usr/lib/greeter/greeter.py"]
cwd = "/"
[warmup]
until = { log = "greets" }
settle = "100ms"
timeout = "5m"
[prove]
run = []
`;

/** An emulated CPU is always busy, and nobody waits for ten minutes here. */
const OPTIONS = ['cpu-pressure', 'io-pressure', 'memory-pressure', 'load']
  .map((name) => `--limit ${name}=off`)
  .concat('--tick 2s', '--settle 5s', '--delay 1s', '--retry 1s')
  .join(' ');

/** The guest's own packages were only unpacked: dpkg knows of none, and what thaw depends on is there all the same. */
function installPackages(...names: readonly string[]): string {
  mkdirSync('/var/lib/dpkg/info', { recursive: true });
  mkdirSync('/var/lib/dpkg/updates', { recursive: true });
  if (!existsSync('/var/lib/dpkg/status')) writeFileSync('/var/lib/dpkg/status', '');
  const files = names.map((name) => `/in/packages/${name}.deb`);
  return must('dpkg', '--force-depends', '--force-bad-path', '-i', ...files);
}

function install(): void {
  told('install', installPackages('thaw-exec', 'thaw', 'greeter-1'));
  must('systemctl', 'daemon-reload');
  told('doctor', must('thaw', 'doctor'));
  // The first start of Python may write compiled modules, which a warm-up takes for a change of its inputs.
  must('python3', '-c', 'import time');
  writeFileSync('/root/greeter.toml', PROFILE);
  told('build', must('thaw', 'build', '--like-unit', 'greeter', '/root/greeter.toml'));
  told('unit', must('thaw', 'unit', 'greeter'));
  writeFileSync('/etc/default/thawd', `THAWD_OPTIONS=${OPTIONS}\n`);
  // Node.js on an emulated CPU of a busy machine may take longer to start than systemd waits.
  mkdirSync('/etc/systemd/system/thawd.service.d');
  writeFileSync('/etc/systemd/system/thawd.service.d/slow.conf', '[Service]\nTimeoutStartSec=10min\n');
  must('systemctl', 'enable', 'greeter', 'thawd');
  must('sync');
}

const journal = (unit: string, ...more: readonly string[]): string =>
  run('journalctl', '-b', '-o', 'cat', '--no-pager', '-u', unit, ...more).said;

async function until(what: string, reached: () => boolean): Promise<void> {
  await untilReached(what, reached, 1000).catch((error: unknown) => {
    const said = ['thawd', 'greeter', 'thaw-rebuild@*'].map((unit) => journal(unit)).join(' ');
    throw new Error(`${messageOf(error)}: ${said}`);
  });
}

/** What the service has said since its start; the number of the start is systemd's own. */
async function sinceStart(greeting: string): Promise<string> {
  const id = show('greeter', 'InvocationID');
  const said = (): string => journal('greeter', `_SYSTEMD_INVOCATION_ID=${id}`);
  await until(`greeter to say ${greeting}`, () => said().includes(`greets: ${greeting}`));
  return said();
}

/** Waits until thawd has counted that, and returns all that it tells. */
async function counted(what: string, holds: (counts: Counts) => boolean): Promise<string> {
  let told = '';
  await until(what, () => {
    told = run('thaw', 'daemon', 'status', '--json').said;
    if (!told.startsWith('{')) return false;
    const [profile] = (JSON.parse(told) as Status).profiles;
    return profile !== undefined && holds(profile.counts);
  });
  return told;
}

async function upgrade(): Promise<void> {
  told('after boot', await sinceStart('one'));
  await until('thawd to run', () => run('systemctl', 'is-active', 'thawd').said === 'active');
  told('installed', installPackages('greeter-2'));
  must('systemctl', 'restart', 'greeter');
  told('after upgrade', await sinceStart('two'));
  await counted('the rebuild', ({ rebuilt }) => rebuilt > 0);
  told(
    'journal',
    must('journalctl', '-b', '-o', 'json', '--no-pager', '-u', 'thawd', 'THAW_PROFILE=greeter'),
  );
  told('metrics', must('curl', '-sf', '--unix-socket', '/run/thaw/metrics', 'http://thawd/metrics'));
  must('systemctl', 'restart', 'greeter');
  told('after rebuild', await sinceStart('two'));
  // The date was set after thawd's start, as devices do that find a network.
  told('status', await counted('the warm launch', ({ warm }) => warm > 0));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === 'install') install();
  else await upgrade();
}
