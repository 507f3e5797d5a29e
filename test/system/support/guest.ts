// QEMU guests for tests: cross/guest.sh with typed options, and no more of their CPUs at a time than there are cores.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { GuestCpu } from '../../../launcher/cpus.js';
import { withCores } from '../../engine/support/cores.js';
import { root } from '../../engine/support/paths.js';

/** An option that is left out has the default of cross/guest.sh. */
export interface GuestOptions {
  readonly cpu: GuestCpu;
  /** A command with its arguments, or a text for the guest's shell. */
  readonly command: string | readonly string[];
  /** Who runs the command: `root` (the default) or `kiosk`. */
  readonly user?: string;
  /** Folder that is /share in the guest; default: the project's. null: no share. */
  readonly share?: string | null;
  /** Folder whose files are in /in. */
  readonly in?: string;
  /** Folder that gets what the command leaves in /out. */
  readonly out?: string;
  /** File of the disk on /data, made when it is not there. */
  readonly data?: string;
  /** File of another root. */
  readonly root?: string;
  /** Flavour of Debian's kernel. */
  readonly kernel?: string;
  /** QEMU's CPU model. */
  readonly model?: string;
  /** A network card, behind which this machine is 10.0.2.2. */
  readonly net?: boolean;
  /** Default 1. A guest with more waits for as many cores: without them it would take several times as long. */
  readonly cpus?: number;
  /** In MB. */
  readonly memory?: number;
  /** CLOCK_REALTIME at boot, in seconds since 1970. */
  readonly clock?: number;
  /** How many times slower than the host's the guest's clocks run; `1/N`: faster. */
  readonly slowClock?: string;
  /** Seconds until the guest is ended; default 1080. */
  readonly timeout?: number;
  /** More options of cross/guest.sh. */
  readonly more?: readonly string[];
}

export interface GuestOutcome {
  /** The command's exit status; 124: ended after its time; 125: the guest did not end properly. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What the kernel and the guest's init wrote. */
  readonly console: string;
}

const defaultSeconds = 1080;

/** Boots a guest, runs a command there, and waits for its end. Never throws for what happens in the guest. */
export function runGuest(options: GuestOptions): Promise<GuestOutcome> {
  return withCores(options.cpus ?? 1, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'thaw-test-guest-'));
    try {
      return await boot(options, join(folder, 'console'));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

function boot(options: GuestOptions, consoleFile: string): Promise<GuestOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, 'cross', 'guest.sh'), commandLine(options, consoleFile), {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [output, errors]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (part: Buffer) => output.push(part));
    child.stderr.on('data', (part: Buffer) => errors.push(part));
    child.once('error', reject);
    child.once('close', (status) => {
      const [stdout, stderr] = [text(output), text(errors)];
      resolve({ status, stdout, stderr, console: readIfThere(consoleFile) });
    });
  });
}

function commandLine(options: GuestOptions, consoleFile: string): string[] {
  const { cpu, command, share = root, timeout = defaultSeconds, more = [] } = options;
  const valued = {
    user: options.user,
    share: share ?? undefined,
    in: options.in,
    out: options.out,
    data: options.data,
    root: options.root,
    kernel: options.kernel,
    model: options.model,
    net: options.net === true ? 'user' : undefined,
    cpus: options.cpus ?? 1,
    memory: options.memory,
    clock: options.clock,
    'slow-clock': options.slowClock,
    timeout,
    'keep-console': consoleFile,
  };
  const words = Object.entries(valued).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
  return [
    'run',
    cpu,
    ...words,
    ...more,
    '--',
    ...(typeof command === 'string' ? ['sh', '-c', command] : command),
  ];
}

function text(parts: readonly Buffer[]): string {
  // Serial ports of a guest are terminals.
  return Buffer.concat(parts).toString().replaceAll('\r\n', '\n');
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** What a failed assertion about a guest should show. */
export function said({ status, stdout, stderr, console }: GuestOutcome): string {
  const tail = (title: string, all: string): string =>
    all === '' ? '' : `\n--- ${title}\n${all.slice(-3000)}`;
  return `status ${status ?? 'none'}${tail('stdout', stdout)}${tail('stderr', stderr)}${tail('console', console)}`;
}
