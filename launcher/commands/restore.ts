// thaw restore: the engine by hand.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { oneOperand, parse, print, printJson } from '../command.js';
import { ThawError, messageOf } from '../errors.js';
import { type Image, environmentList, native } from '../engine/index.js';

export const help = `usage: thaw restore [options] FILE

Becomes the process of an image. Never starts it cold: exit code 125 if the launch is not possible.

  --keep-pid        give it the pid that it had when the image was made (needs privileges)
  --detach          in a session of its own, as a child of init; prints the pid. Its stdin is /dev/null, what it
                    writes goes to the caller's stderr
  --pid-file FILE   write the pid there
  --json            with --detach: print the pid as JSON
  --store DIR       accepted as by every command; the image is FILE
`;

/** A launch that is refused ends well before that. */
const DETACH_PROOF_MS = 200;

export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args, {
    'keep-pid': { type: 'boolean' },
    detach: { type: 'boolean' },
    'pid-file': { type: 'string' },
    store: { type: 'string' },
    json: { type: 'boolean' },
  });
  const path = resolve(oneOperand(positionals, 'FILE'));
  const image = native.show(path);
  const keepPid = values['keep-pid'] === true;
  const command = launchCommand(path, image, keepPid);
  const tell = (pid: number): number => {
    // With --keep-pid a stand-in waits under the new pid: the app is the one with the old.
    const appPid = keepPid ? (image.processes[0]?.pid ?? pid) : pid;
    if (values['pid-file'] !== undefined) writePid(values['pid-file'], appPid);
    return appPid;
  };
  if (values.detach === true) {
    const pid = tell(await detach(command));
    if (values.json === true) printJson({ pid });
    else print(`${pid}\n`);
    return 0;
  }
  tell(process.pid);
  return native.exec(native.thawExec(), command, environmentList(process.env));
}

function launchCommand(path: string, { requirements }: Image, keepPid: boolean): string[] {
  const options = ['--image', path, '--no-fallback', ...(keepPid ? ['--keep-pid'] : [])];
  const app = [requirements.program, ...requirements.arguments.slice(1)];
  return [native.thawExec(), ...options, '--', ...app];
}

function writePid(file: string, pid: number): void {
  try {
    writeFileSync(file, `${pid}\n`);
  } catch (error) {
    throw new ThawError(`cannot write the pid file: ${messageOf(error)}`);
  }
}

async function detach([program = '', ...args]: readonly string[]): Promise<number> {
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 2, 2] });
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
  const early = await Promise.race([ended, setTimeout(DETACH_PROOF_MS, undefined)]);
  if (early !== undefined || child.pid === undefined)
    throw new ThawError(`the launch ended at once: ${String(early?.[0] ?? early?.[1])}`);
  child.unref();
  return child.pid;
}
