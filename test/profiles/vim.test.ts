// An editor: its screen, files, suspension and the terminal's mode, in each launch those of its own terminal.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';

import type { Size } from '../engine/support/tmux.js';
import { type Seat, builtProfile } from './terminal.js';

const desk = builtProfile('vim');

function modeOf(seat: Seat): string {
  const terminal = readlinkSync(`/proc/${seat.pane}/fd/0`);
  return spawnSync('stty', ['-a', '-F', terminal], { encoding: 'utf8' }).stdout;
}

/** Its screen, with a status line and a command line below. */
function drawn(rows: number, file: string): RegExp {
  return new RegExp(`^ +1[^]*\n(~\n){${rows - 6},}warm ${file.replaceAll('.', '\\.')} 0\\b`);
}

const sizes: readonly Size[] = [
  [80, 24],
  [101, 37], // That of the build.
  [132, 43],
];
for (const size of sizes)
  test.serial(`vim in a terminal of ${size.join(' x ')}`, async (t) => {
    t.timeout(600_000);
    const place = desk();
    const seat = await place.launch('one', size);
    const [columns, rows] = size;
    await seat.shows(drawn(rows, '\\[No Name\\]'));
    t.regex(modeOf(seat), /-icanon[^]* -echo /, 'while it runs');
    t.regex(modeOf(seat), new RegExp(`rows ${rows}; columns ${columns}`));

    seat.enter(`:edit ${seat.path('text')}`);
    await seat.shows(/one\.text" \[New\]/);
    seat.type('i');
    await seat.shows(/-- INSERT --/);
    seat.type('-l', 'first line');
    seat.type('Enter');
    seat.type('-l', 'last lime');
    seat.type('C-h', 'C-h', 'n', 'e', 'Escape'); // The key that the user has set to erase.
    seat.enter(':Stamp');
    await seat.shows(/stamped by \d+/);
    seat.enter(':w');
    await seat.shows(/written/);
    const text = readFileSync(seat.path('text'), 'utf8');
    t.is(text, `first line\nlast line\nstamped by ${seat.pid}\n`);

    seat.enter(':!stty -a >%.shell'); // A command has the terminal as the user has set it.
    await seat.shows(/Press ENTER/);
    seat.type('Enter');
    t.regex(await seat.written('text.shell'), /intr = \^G;[^]*erase = \^H;/);

    place.tmux.resize('one', [100, 30]);
    await seat.shows(/^(.*\n){28}warm .*one\.text 2/);
    seat.type('C-z');
    await seat.shows(/Stopped[^]*outer>$/m);
    seat.enter(`stty -g >${seat.path('stopped')}`);
    t.is(await seat.written('stopped'), await seat.written('before'));
    seat.enter('fg');
    await seat.shows(/^ +1 first line\n/);
    seat.enter(':q');
    await place.checkEnd(t, seat);
  });

test.serial('vim: two at once, each with its own text', async (t) => {
  t.timeout(600_000);
  const place = desk();
  const seats = [await place.launch('one', [80, 24]), await place.launch('two', [90, 20])];
  for (const seat of seats) {
    await seat.shows(/warm \[No Name\] 0/);
    seat.type('i');
    await seat.shows(/-- INSERT --/);
    seat.type('-l', `text of ${seat.name}`);
    seat.type('Escape');
  }
  for (const seat of seats) {
    seat.enter(`:wq ${seat.path('text')}`);
    await place.checkEnd(t, seat);
    t.is(readFileSync(seat.path('text'), 'utf8'), `text of ${seat.name}\n`);
  }
});
