// A guide: a page whose blocks can be followed, one after the other, on a machine that is made for it.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { projectFolder } from '../../launcher/engine/index.js';
import { cli, thawExec } from '../engine/support/paths.js';

/** What a block says: a file to write, or commands to run. */
export type Step = { readonly file: string; readonly text: string } | { readonly commands: string };

/** Of docs/, by their paths in the project. */
export function pages(): string[] {
  return readdirSync(join(projectFolder, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
    .sort();
}

export function textOf(path: string): string {
  return readFileSync(join(projectFolder, path), 'utf8');
}

export interface Block {
  /** Behind its fence: the language, and what else is said of it. */
  readonly info: string;
  readonly text: string;
}

/** The blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  const blocks = page.matchAll(/^```([^\n]*)\n(.*?)^```$/gms);
  return [...blocks].map(([, info = '', text = '']) => ({ info, text }));
}

/**
 * The steps of a page: of blocks such as ```toml file=/srv/web/web.toml the file, of ```sh the commands. Commands for a
 * machine that no test has here are in blocks of another kind (```console), which test/docs/elsewhere.ts lists.
 */
export function stepsOf(page: string): Step[] {
  return blocksOf(page).flatMap(({ info, text }): Step[] => {
    const file = /\bfile=(\S+)/.exec(info)?.[1];
    if (file !== undefined) return [{ file, text }];
    return info === 'sh' ? [{ commands: text }] : [];
  });
}

/** Folders that are empty there, and nobody else's. */
const OWN_FOLDERS = ['/srv', '/etc/systemd/system', '/var/lib', '/run', '/root'];

/** One script for all steps: it stops at the first command that fails, and tells each before it runs. */
function scriptOf(steps: readonly Step[], tools: string): string {
  const parts = steps.map((step, i) => {
    if ('commands' in step) return `set -x\n${step.commands}{ set +x; } 2>/dev/null\n`;
    const end = `END_OF_FILE_${i}`;
    return `mkdir -p '${dirname(step.file)}'\ncat >'${step.file}' <<'${end}'\n${step.text}${end}\n`;
  });
  return [
    'set -eu',
    'mount --make-rprivate /',
    'ip link set lo up',
    ...OWN_FOLDERS.map((folder) => `mount -t tmpfs -o mode=755 none ${folder}`),
    // They lie in a folder that may be one of these.
    `export PATH='${tools}':/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root`,
    'unset THAW_STORE XDG_STATE_HOME',
    'cd /srv',
    ...parts,
  ].join('\n');
}

/** Follows the steps as root, in namespaces of their own (mounts, network). */
export async function follow(steps: readonly Step[]): Promise<{ status: number | null; output: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'thaw-guide-'));
  const tools = join(folder, 'bin');
  try {
    mkdirSync(tools);
    tool(tools, 'thaw', `exec '${process.execPath}' '${cli}' "$@"`);
    // No service manager runs there.
    tool(tools, 'systemctl', 'echo "systemctl $*"');
    symlinkSync(thawExec, join(tools, 'thaw-exec'));
    const script = join(folder, 'script');
    writeFileSync(script, scriptOf(steps, tools));
    return await run(script);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tool(folder: string, name: string, body: string): void {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
}

const LIMIT_MS = 300_000;

/** What it leaves running ends with it. */
function run(script: string): Promise<{ status: number | null; output: string }> {
  const env = { TERM: 'dumb', LANG: 'C.UTF-8' };
  const child = spawn('unshare', ['-m', '-n', 'sh', script], {
    detached: true,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => {
      output += data.toString();
    });
  const end = (): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Nothing is left of the group.
    }
  };
  const limit = setTimeout(end, LIMIT_MS);
  return new Promise((resolve) => {
    child.on('exit', (status) => {
      clearTimeout(limit);
      end();
      resolve({ status, output });
    });
  });
}
