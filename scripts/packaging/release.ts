// Which version is packed, and when it was made: packages of one commit are equal, whenever and wherever they are made.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { projectFolder } from '../../launcher/engine/index.js';
import { ThawError } from '../../launcher/errors.js';

export interface Release {
  /** Of package.json. */
  readonly version: string;
  /** As Debian counts: what is not tagged comes before the version that it will be (`0.1.0~git20261130.0123abc-0thaw1`), and what is not Debian's
   *  own (-0thaw1) before what would be. */
  readonly debian: string;
  /** Seconds since 1970, of the commit: the time of all files. */
  readonly epoch: number;
  readonly commit: string;
}

const git = (...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: projectFolder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

function commit(): { readonly name: string; readonly tags: readonly string[]; readonly epoch: number } {
  try {
    const [name = '', seconds = ''] = git('log', '-1', '--format=%h %ct', '--abbrev=7').trim().split(' ');
    return { name, tags: git('tag', '--points-at', 'HEAD').split('\n'), epoch: Number(seconds) };
  } catch (error) {
    throw new ThawError('there is no commit to name packages after', {
      remedy: 'pack from a clone of the repository, with git installed',
      cause: error,
    });
  }
}

/** @throws ThawError outside of a clone */
export function release(): Release {
  const { version } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as {
    version: string;
  };
  const { name, tags, epoch } = commit();
  const day = new Date(epoch * 1000).toISOString().slice(0, 10).replaceAll('-', '');
  const snapshot = tags.includes(`v${version}`) ? '' : `~git${day}.${name}`;
  const wanted = process.env['SOURCE_DATE_EPOCH'];
  return {
    version,
    debian: `${version}${snapshot}-0thaw1`,
    commit: name,
    epoch: wanted === undefined ? epoch : Number(wanted),
  };
}
