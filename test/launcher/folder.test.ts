// The folder that the caller is in is part of what is launched: `server.js` is another program in another folder.
import test from 'ava';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { cli, thawExec } from '../engine/support/paths.js';
import { PATIENCE_MS } from '../patience.js';
import { builtWith } from './support.js';

/** Says which project it is, where it is, and whether it was started or launched. */
const server = (name: string): string => `const fs = require('fs');
console.log('started');
const timer = setInterval(() => {
  if (!fs.existsSync('/proc/self/cwd/go')) return;
  clearInterval(timer);
  console.log('${name} in ' + fs.readlinkSync('/proc/self/cwd'));
}, 5);
`;

const profile = (name: string, launch = ''): string => `name = "${name}"
program = "${process.execPath}"
args = ["server.js"]
env = { UV_USE_IO_URING = "0" }
[warmup]
until = { log = "started" }
${launch}`;

class Projects {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'thaw-folder-')));
  readonly store = join(this.root, 'store');

  make(name: string, launch = ''): string {
    const folder = join(this.root, name);
    mkdirSync(folder);
    writeFileSync(join(folder, 'server.js'), server(name));
    writeFileSync(join(folder, 'profile.toml'), profile(name, launch));
    return folder;
  }

  build(folder: string): void {
    rmSync(join(folder, 'go'), { force: true });
    const args = [cli, 'build', '--store', this.store, join(folder, 'profile.toml')];
    execFileSync(process.execPath, args, { stdio: 'ignore' });
    writeFileSync(join(folder, 'go'), '');
  }

  /** What a launch in `folder` writes, and what thaw-exec says of it. */
  launch(folder: string, options: readonly string[] = []): { stdout: string; stderr: string } {
    const command = ['--store', this.store, ...options, '--', process.execPath, 'server.js'];
    const env = { ...builtWith, THAW_LOG: 'info', UV_USE_IO_URING: '0' };
    return spawnSync(thawExec, command, { cwd: folder, encoding: 'utf8', env, timeout: PATIENCE_MS });
  }

  end(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

test('of two projects with a server.js each, the one in the folder of the caller is launched', (t) => {
  const projects = new Projects();
  t.teardown(() => {
    projects.end();
  });
  const [a, b, c] = [projects.make('a'), projects.make('b'), projects.make('c')];
  for (const folder of [a, b]) projects.build(folder);
  t.is(projects.launch(a).stdout, `a in ${a}\n`, 'warm');
  t.is(projects.launch(b).stdout, `b in ${b}\n`, 'warm');

  // No image, or that of another folder by name: the caller's own server.js.
  writeFileSync(join(c, 'go'), '');
  t.is(projects.launch(c).stdout, `started\nc in ${c}\n`);
  const named = projects.launch(c, ['--profile', 'a']);
  t.is(named.stdout, `started\nc in ${c}\n`);
  t.regex(named.stderr, /started in the folder .*\/a, the caller is in .*\/c.*launch\.cwd.*starting cold/);

  // A link to the folder is the folder; one made anew in its place is it, too.
  symlinkSync(a, join(projects.root, 'link'));
  t.is(projects.launch(join(projects.root, 'link')).stdout, `a in ${a}\n`);
  renameSync(a, join(projects.root, 'moved'));
  t.is(projects.launch(join(projects.root, 'moved')).stdout, `started\na in ${projects.root}/moved\n`);
});

test('a profile may say that its app does not depend on the folder', (t) => {
  const projects = new Projects();
  t.teardown(() => {
    projects.end();
  });
  const [a, b] = [projects.make('a', '[launch]\ncwd = "any"\n'), projects.make('b')];
  projects.build(a);
  writeFileSync(join(b, 'go'), '');
  t.is(projects.launch(b).stdout, `a in ${b}\n`);
  projects.build(b);
  t.is(projects.launch(b).stdout, `b in ${b}\n`, 'an image for this folder comes first');
});

test('a folder that was removed has no path', (t) => {
  const projects = new Projects();
  t.teardown(() => {
    projects.end();
  });
  const a = projects.make('a');
  projects.build(a);
  const script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"';
  const command = [thawExec, '--store', projects.store, '--profile', 'a', '--', '/bin/echo', 'cold'];
  const gone = spawnSync('sh', ['-c', script, 'sh', ...command], { cwd: a, encoding: 'utf8' });
  t.is(gone.stdout, 'cold\n');
});
