// An interactive shell: line editing, jobs, the terminal's settings and size, in each launch those of its own terminal.
import test from 'ava';
import { existsSync } from 'node:fs';

import { until } from '../engine/support/process.js';
import type { Size } from '../engine/support/tmux.js';
import { allowLargePids } from '../engine/support/tree.js';
import { type Seat, builtProfile } from './terminal.js';

/** All that the shell has of its own says so, so that a prompt is known from the line that it stands in. */
async function answers(seat: Seat, line: string, answer: RegExp): Promise<void> {
  seat.enter(line);
  await seat.shows(new RegExp(`^${answer.source}\nstock:$`, 'm'));
}

if (process.getuid?.() === 0) {
  allowLargePids();
  const desk = builtProfile('bash');
  const sizes: readonly Size[] = [
    [80, 24],
    [132, 43],
  ];
  for (const size of sizes)
    test.serial(`bash in a terminal of ${size.join(' x ')}`, async (t) => {
      t.timeout(600_000);
      const place = desk();
      const seat = await place.launch('one', size);
      await seat.shows(/^stock:$/m);
      await answers(seat, 'price article-7', /554\.33/);
      await answers(seat, 'echo $((COLUMNS)) x $((LINES))', new RegExp(size.join(' x ')));
      await answers(seat, 'test $$ = $BASHPID && echo own', /own/);

      seat.enter(`stty -g >${seat.path('inside')}`);
      t.is(await seat.written('inside'), await seat.written('before'));

      seat.enter('kept=one');
      // With the key that the user has set to erase.
      seat.type('Up', 'C-h', 'C-h', 'C-h', 'two', 'Enter');
      await answers(seat, 'echo $kept', /two/);

      place.tmux.resize('one', [100, 30]);
      await answers(seat, 'echo now $((COLUMNS)) x $((LINES))', /now 100 x 30/);
      seat.enter('exit');
      await place.checkEnd(t, seat);
    });

  test.serial('bash: jobs are stopped, listed, continued and interrupted', async (t) => {
    t.timeout(600_000);
    const place = desk();
    const seat = await place.launch('one', [80, 24]);
    await seat.shows(/^stock:$/m);
    seat.enter('sleep 1000');
    await seat.shows(/sleep 1000\n\s*$/);
    seat.type('C-z');
    await seat.shows(/Stopped +sleep 1000\nstock:$/m);
    await answers(seat, 'jobs', /\[1\]\+ +Stopped +sleep 1000/);
    seat.enter('bg; jobs');
    await seat.shows(/\[1\]\+ +Running +sleep 1000 &\nstock:$/m);
    seat.enter('fg; echo "ended with $?"');
    await seat.shows(/fg; echo.*\nsleep 1000\n\s*$/);
    seat.type('C-g'); // As the user has set it.
    await seat.shows(/\^G\n.*ended with 130\nstock:$|\^G\nstock:$/m);
    await answers(seat, 'jobs; echo none', /none/);
    await answers(seat, 'echo piped | tr p P | cat', /PiPed/);
    seat.enter('exit 0');
    await place.checkEnd(t, seat);
  });

  test.serial(
    'bash in the process group of its caller could not take the terminal back: a cold start',
    async (t) => {
      t.timeout(600_000);
      const place = desk();
      const seat = await place.launch('one', [200, 30], (command) => `sh -c '${command}; exit $?'`);
      await seat.shows(/its caller gives it no process group of its own/);
      await place.checkEnd(t, seat, 125);
    },
  );

  test.serial('bash: two at once, each for itself, and a window that is closed', async (t) => {
    t.timeout(600_000);
    const place = desk();
    const seats = [await place.launch('one', [80, 24]), await place.launch('two', [90, 20])];
    for (const seat of seats) {
      await seat.shows(/^stock:$/m);
      seat.enter(`mine=${seat.name}`);
    }
    for (const seat of seats)
      await answers(seat, 'echo $mine has $COLUMNS', new RegExp(`${seat.name} has \\d+`));
    const pids = seats.map((seat) => seat.pid);
    t.is(new Set(pids).size, 2);
    place.tmux.close('one');
    await until('the shell to end with its terminal', () => !existsSync(`/proc/${pids[0] ?? 0}`));
    await answers(seats[1] as Seat, 'echo still $mine', /still two/);
  });
} else
  test('bash: only root can build it, for its pids', (t) => {
    t.pass();
  });
