// `npm run bench:arm`: the first answer of real apps, cold, warm and by CRIU, in QEMU guests. The bench itself
// runs in the guest; here are the guests, and the tables of all.
import { execa } from 'execa';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { command } from '../launcher/command.js';
import { ThawError, UsageError } from '../launcher/errors.js';
import { main } from '../launcher/main.js';
import { countOr, names, parsed } from '../launcher/options.js';
import { median, quantile } from '../launcher/statistics.js';
import { table } from '../launcher/columns.js';
import { CPUS, GUEST_CPUS, type GuestCpu } from '../launcher/cpus.js';
import { commit } from './machine.js';
import { root } from './paths.js';
import { quantity } from './present.js';
import { type Results, find, readResults } from './results.js';

const PROFILES = ['ts-server', 'python', 'redis'];
/**
 * Their guest has a compositor, and its clocks count instructions: app and compositor share one CPU, as on the smallest devices, and no
 * other work on this machine changes a figure. SDL's profile is compiled, for this machine.
 */
const WINDOWS = ['gtk3', 'gtk3-bus', 'qtquick'];
const WINDOWS_GUEST = ['--init', 'systemd', '--with', 'windows', '--ns-per-instruction', '2'];
const GUEST_SECONDS = 3600;

const bench = command({
  about:
    'Boots a guest for each CPU (default: both), builds the images of real apps in it, and measures the first answer, or the ' +
    'first picture of a window, there: ' +
    'cold, warm, and by CRIU where Debian has it. The results are written to build/bench/arm/.',
  options: {
    only: parsed(
      '--only <PROFILE,...>',
      `these profiles only (default: ${PROFILES.join(',')}); also jvm, nginx; windows: ${WINDOWS.join(', ')}`,
      names,
    ),
    rounds: countOr('--rounds <N>', 'how many times each thing is measured', 5),
  },
  operands: [`[${GUEST_CPUS.join('|')}...]`],
  async run({ only, rounds }, [asked]) {
    const unknown = asked.find((name) => !GUEST_CPUS.some((cpu) => cpu === name));
    if (unknown !== undefined) throw new UsageError(`no guest is a ${unknown} (${GUEST_CPUS.join(', ')})`);
    const cpus = GUEST_CPUS.filter((cpu) => asked.length === 0 || asked.includes(cpu));
    await measure(cpus, only ?? PROFILES, rounds);
    return 0;
  },
});

/** What one guest measures. */
interface Part {
  readonly name: 'first-answer' | 'windows';
  readonly profiles: readonly string[];
  readonly guest: readonly string[];
}

function partsOf(profiles: readonly string[]): readonly Part[] {
  const shown = profiles.filter((profile) => WINDOWS.includes(profile));
  const asked = profiles.filter((profile) => !shown.includes(profile));
  const parts: readonly Part[] = [
    { name: 'first-answer', profiles: asked, guest: [] },
    { name: 'windows', profiles: shown, guest: WINDOWS_GUEST },
  ];
  return parts.filter((part) => part.profiles.length > 0);
}

interface Measured extends Part {
  readonly cpu: GuestCpu;
  readonly results: Results;
}

/** Has a guest make the measurements. @returns what it measured @throws ThawError if it did not come to an end */
async function measureIn(
  cpu: GuestCpu,
  { name, profiles, guest: more }: Part,
  rounds: number,
): Promise<Results> {
  const folder = join(root, 'build', 'bench', 'arm');
  mkdirSync(folder, { recursive: true });
  const out = mkdtempSync(join(folder, 'out-'));
  try {
    const only = [name, ...profiles].join(',');
    const bench = ['--only', only, '--rounds', String(rounds), '--output', '/out', '--store', '/tmp/store'];
    const guest = [
      '--out',
      out,
      '--share',
      root,
      '--memory',
      '3072',
      '--timeout',
      String(GUEST_SECONDS),
      ...more,
    ];
    const command = ['env', `THAW_COMMIT=${commit()}`, 'node', '/share/dist/bench/bench.js', ...bench];
    const { exitCode: status } = await execa(
      join(root, 'cross', 'guest.sh'),
      ['run', cpu, ...guest, '--', ...command],
      { stdin: 'ignore', stdout: 'ignore', stderr: 'inherit', reject: false },
    );
    const made = readdirSync(out).find((name) => name.endsWith('.json'));
    if (made === undefined)
      throw new ThawError(`the ${cpu} guest measured nothing; it ended with status ${status ?? 'none'}`, {
        remedy: 'what it said is above',
      });
    const kept = join(folder, `${cpu}-${name}.json`);
    renameSync(join(out, made), kept);
    return readResults(kept);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

function rowsOf({ cpu, results, name, profiles }: Measured): string[][] {
  return profiles.map((subject) => {
    const values = (variant: string): readonly number[] =>
      find(results, { measure: name, subject, variant })?.values ?? [];
    const time = (variant: string): string => {
      const all = values(variant);
      if (all.length === 0) return '-';
      return `${quantity(median(all), 'ms')} (${[0.25, 0.75].map((part) => quantile(all, part).toFixed(0)).join(' .. ')})`;
    };
    const times = (variant: string): string => {
      if (values(variant).length === 0 || values('warm').length === 0) return '-';
      return `${(median(values(variant)) / median(values('warm'))).toFixed(1)} x`;
    };
    return [cpu, subject, time('cold'), time('warm'), times('cold'), time('criu'), times('criu')];
  });
}

function leftOut(all: readonly Measured[]): string {
  const rows = all.flatMap(({ cpu, results }) =>
    results.leftOut.map(({ what, why }) => [cpu, what, why.replaceAll('\n', ' ')]),
  );
  if (rows.length === 0) return '';
  return `\n${table([{ title: 'CPU' }, { title: 'NOT MEASURED' }, { title: 'WHY' }], rows)}`;
}

function sizes(): string {
  const rows = CPUS.map((cpu) => {
    const bytes = statSync(join(root, 'build', cpu, 'thaw-exec'), { throwIfNoEntry: false })?.size;
    return [cpu, bytes === undefined ? 'not built' : `${(bytes / 1e6).toFixed(2)} MB`];
  });
  return `\n${table([{ title: 'CPU' }, { title: 'thaw-exec', right: true }], rows)}`;
}

async function measure(
  cpus: readonly GuestCpu[],
  profiles: readonly string[],
  rounds: number,
): Promise<void> {
  const all: Measured[] = [];
  for (const cpu of cpus) {
    for (const part of partsOf(profiles)) {
      process.stderr.write(`[thaw] measuring in a guest of ${cpu}\n`);
      all.push({ cpu, ...part, results: await measureIn(cpu, part, rounds) });
    }
  }
  const titles = ['CPU', 'PROFILE', 'COLD', 'WARM', 'COLD / WARM', 'CRIU', 'CRIU / WARM'];
  process.stdout.write(
    '\nFirst right answer, or first picture, after the start of the command; medians (quartiles), in turn in one guest:\n\n',
  );
  process.stdout.write(
    table(
      titles.map((title, i) => ({ title, right: i >= 2 })),
      all.flatMap(rowsOf),
    ),
  );
  process.stdout.write(`${leftOut(all)}${sizes()}`);
}

const name = 'npm run bench:arm --';
await main(name, () => bench.call(name, process.argv.slice(2)));
