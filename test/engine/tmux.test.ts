// Programs that people use in a terminal, driven as they drive them: started warm in a terminal that has not seen them, they
// show their screen, read what is typed, and leave the terminal as it was.
import test, { type ExecutionContext } from 'ava';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { self } from './support/identity.js';
import { apps, cli, thawExec } from './support/paths.js';
import { until } from './support/process.js';
import { Tmux, built } from './support/tmux.js';
import { allowLargePids } from './support/tree.js';

allowLargePids();
const environment = { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8' };

interface Terminal {
  readonly program: string;
  /** It keeps its pid, its process group's, in memory, where a launch corrects it if it is unusual; only root can have that. */
  readonly keepsPid?: number;
  readonly command: string;
  /** Until its screen stands. */
  warm(tmux: Tmux, name: string): Promise<void>;
  /** What a launched one shows, types and ends with. */
  use(t: ExecutionContext, tmux: Tmux, name: string): Promise<void>;
}

const terminals: readonly Terminal[] = [
  {
    program: 'vim',
    command: '/usr/bin/vim -u NONE -N -n -i NONE text',
    async warm(tmux, name) {
      writeFileSync(join(tmux.folder, 'text'), 'first line\nlast line\n');
      await tmux.shows(name, /last line/);
    },
    async use(t, tmux, name) {
      await tmux.shows(name, /first line\nlast line\n~/);
      tmux.type(name, 'o');
      await tmux.shows(name, /-- INSERT --/);
      tmux.type(name, `typed into ${name}`, 'Escape', `:w ${name}.text`, 'Enter');
      await tmux.shows(name, /written/);
      t.is(
        readFileSync(join(tmux.folder, `${name}.text`), 'utf8'),
        `first line\ntyped into ${name}\nlast line\n`,
      );
      tmux.type(name, ':q!', 'Enter');
    },
  },
  {
    program: 'bash',
    keepsPid: 3_496_621,
    command: '/usr/bin/bash --norc --noprofile -i',
    async warm(tmux, name) {
      await tmux.shows(name, /[$#]/);
      tmux.type(name, "PS1='warm> '; kept=41", 'Enter');
      await tmux.shows(name, /kept=41\nwarm>/);
    },
    async use(t, tmux, name) {
      await tmux.shows(name, /warm>/);
      tmux.type(name, 'echo $((kept + 1)) $(echo done) | tr o 0', 'Enter');
      await tmux.shows(name, /42 d0ne\nwarm>/);
      // What is typed while the terminal changes its mode is the terminal's to lose.
      tmux.type(name, 'sleep 100', 'Enter');
      await tmux.shows(name, /sleep 100\n\s*$/);
      tmux.type(name, 'C-c');
      await tmux.shows(name, /\^C\s*\nwarm>/);
      tmux.type(name, 'echo after', 'Enter');
      await tmux.shows(name, /\nafter\n/);
      tmux.type(name, 'exit', 'Enter');
      t.pass();
    },
  },
  {
    program: 'python',
    command: '/usr/bin/python3 -q',
    async warm(tmux, name) {
      await tmux.shows(name, />>>/);
      tmux.type(name, 'kept = 41', 'Enter');
      await tmux.shows(name, /kept = 41\n>>>/);
    },
    async use(t, tmux, name) {
      await tmux.shows(name, />>>/);
      tmux.type(name, 'print("it is", kept + 1)', 'Enter');
      await tmux.shows(name, /it is 42/);
      tmux.type(name, 'Up', 'BSpace', ' * 2)', 'Enter');
      await tmux.shows(name, /it is 43/);
      tmux.type(name, 'C-d');
      t.pass();
    },
  },
  {
    program: 'less',
    command: '/usr/bin/less lines',
    async warm(tmux, name) {
      await tmux.shows(name, /line 3\n/);
    },
    async use(t, tmux, name) {
      await tmux.shows(name, /line 1\n[^]*line 23\n/);
      tmux.type(name, 'G');
      await tmux.shows(name, /line 200\n/);
      tmux.type(name, 'g', '/line 77', 'Enter');
      await tmux.shows(name, /^line 77\n/);
      tmux.type(name, 'q');
      t.pass();
    },
  },
];

for (const terminal of terminals.filter(({ keepsPid }) => self.name === 'root' || keepsPid === undefined))
  test(`${terminal.program} in a terminal`, async (t) => {
    t.timeout(600_000);
    const tmux = new Tmux(environment);
    t.teardown(() => {
      tmux.end();
    });
    const lines = Array.from({ length: 200 }, (_, i) => `line ${i + 1}\n`);
    writeFileSync(join(tmux.folder, 'lines'), lines.join(''));
    writeFileSync(join(tmux.folder, 'text'), 'first line\nlast line\n');
    const image = join(tmux.folder, 'image.thaw');
    const checkpoint = (): SpawnSyncReturns<string> => {
      const args = ['--pid', String(pid), '--image', image];
      return spawnSync(process.execPath, [cli, 'checkpoint', ...args], { encoding: 'utf8' });
    };
    const wrapper = terminal.keepsPid === undefined ? '' : `${join(apps, 'with_pid')} ${terminal.keepsPid}`;
    let pid = 0;
    let made: SpawnSyncReturns<string> | undefined;
    // A job's pid is whatever it gets, which cannot always be told.
    for (let i = 0; i < 10 && (made === undefined || /cannot be told/.test(made.stderr)); i++) {
      if (made !== undefined) {
        tmux.close('cold');
        await until('the last one to end', () => !existsSync(`/proc/${pid}`));
      }
      const pane = tmux.open('cold', `exec ${wrapper} ${terminal.command}`, built);
      pid = terminal.keepsPid ?? pane;
      await terminal.warm(tmux, 'cold');
      made = checkpoint();
    }
    t.is(made?.status, 0, made?.stderr);
    for (const name of ['one', 'two', 'three']) {
      const launch = `${thawExec} --image ${image} --no-fallback -- ${terminal.command}`;
      const tell = 'stty -a >telling; mv telling after';
      tmux.open(name, `set -m; stty -a >before; ${launch}; echo "status $?"; ${tell}; exec sleep 100`);
      await terminal.use(t, tmux, name);
      await tmux.shows(name, /status 0\n/);
      const told = (when: string): string => join(tmux.folder, when);
      await until('the mode to be told', () => existsSync(told('after')));
      t.is(readFileSync(told('after'), 'utf8'), readFileSync(told('before'), 'utf8'));
      rmSync(told('after'));
    }
  });
