// thaw restore: the engine by hand.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';

import { command, print, printJson } from '../command.js';
import { ThawError, messageOf } from '../errors.js';
import { type Image, environmentList, native } from '../engine/index.js';
import { flag, json, store, text } from '../options.js';

/** A launch that is refused ends well before that. */
const DETACH_PROOF_MS = 200;

export default command({
  about:
    'Becomes the process of an image. Never starts it cold: exit code 125 if the launch is not possible.',
  options: {
    keepPid: flag('--keep-pid', 'give it the pid that it had when the image was made (needs privileges)'),
    detach: flag(
      '--detach',
      'in a session of its own, as a child of init; prints the pid. Its stdin is /dev/null, what it writes goes to the ' +
        "caller's stderr",
    ),
    pidFile: text('--pid-file <FILE>', 'write the pid there'),
    store,
    json,
  },
  operands: ['<FILE>'],
  async run({ keepPid, detach, pidFile, json }, [file]) {
    const path = resolve(file);
    const pidPath = pidFile === undefined ? undefined : resolve(pidFile);
    const image = native.show(path);
    const launch = launchCommand(path, image, keepPid);
    enter(image.requirements.folder);
    const tell = (pid: number): number => {
      // With --keep-pid a stand-in waits under the new pid: the app is the one with the old.
      // In a namespace, that one says nothing outside, and the stand-in passes signals on.
      const [root] = image.processes;
      const appPid = keepPid && root?.pidNamespace === false ? root.pid : pid;
      if (pidPath !== undefined) writePid(pidPath, appPid);
      return appPid;
    };
    if (detach) {
      const pid = tell(await detached(launch));
      if (json) printJson({ pid });
      else print(`${pid}\n`);
      return 0;
    }
    tell(process.pid);
    return native.exec(native.thawExec(), launch, environmentList(process.env));
  },
});

function launchCommand(path: string, { requirements }: Image, keepPid: boolean): string[] {
  const options = ['--image', path, '--no-fallback', ...(keepPid ? ['--keep-pid'] : [])];
  const app = [requirements.program, ...requirements.arguments.slice(1)];
  return [native.thawExec(), ...options, '--', ...app];
}

/** As `thaw run` enters the profile's folder: an image is launched in the one that its app was started in. */
function enter(folder: string): void {
  try {
    if (folder !== '') process.chdir(folder);
  } catch (error) {
    throw new ThawError(`cannot enter the folder of the image: ${messageOf(error)}`);
  }
}

function writePid(file: string, pid: number): void {
  try {
    writeFileSync(file, `${pid}\n`);
  } catch (error) {
    throw new ThawError(`cannot write the pid file: ${messageOf(error)}`);
  }
}

async function detached([program = '', ...args]: readonly string[]): Promise<number> {
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 2, 2] });
  const ended = once(child, 'exit') as Promise<[number | null, string | null]>;
  const early = await Promise.race([ended, setTimeout(DETACH_PROOF_MS, undefined)]);
  if (early !== undefined || child.pid === undefined)
    throw new ThawError(`the launch ended at once: ${String(early?.[0] ?? early?.[1])}`);
  child.unref();
  return child.pid;
}
