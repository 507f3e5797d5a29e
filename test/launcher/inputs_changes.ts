// Changes of what a warm state may have been computed from, and whether the next launch is cold for them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { type Change } from './fixture.js';

/** Of runtimes, or adapters, that read all variables at their start. */
export const variableChanges: readonly Change[] = [
  [
    'variable added',
    (f) => {
      f.set('NEW', 'one');
    },
    '$NEW',
  ],
  [
    'variable changed',
    (f) => {
      f.set('LEVEL', '8');
    },
    '$LEVEL',
  ],
  [
    'variable gone',
    (f) => {
      f.set('LEVEL');
    },
    '$LEVEL',
  ],
  [
    'other time zone',
    (f) => {
      f.set('TZ', 'UTC-2');
    },
    '$TZ',
  ],
  [
    'other locale',
    (f) => {
      f.set('LANG', 'C');
    },
    '$LANG',
  ],
  [
    'variable that is another one at each start',
    (f) => {
      f.set('SHLVL', '4');
    },
    null,
  ],
];

/** Of a library that the app has loaded. */
export const libraryChanges: readonly Change[] = [
  [
    'library upgraded, equal size and time',
    (f) => {
      f.patch('library.so');
    },
    'library.so',
  ],
  [
    'library replaced, equal size and time',
    (f) => {
      f.replace('library.so');
    },
    'library.so',
  ],
];

/** Of a folder that the app lists: `conf.d`, with `a.conf` in it. */
export const folderChanges = (folder: string): readonly Change[] => [
  [
    'folder gets an entry',
    (f) => {
      f.add(`${folder}/b.conf`);
    },
    folder,
  ],
  [
    'folder loses an entry',
    (f) => {
      f.moveAway(`${folder}/a.conf`);
    },
    folder,
  ],
  [
    'folder touched only',
    (f) => {
      f.touch(folder);
    },
    null,
  ],
  [
    'entry that was not read',
    (f) => {
      f.edit(`${folder}/a.conf`);
    },
    null,
  ],
];

export const linkChanges: readonly Change[] = [
  [
    'link leads elsewhere',
    (f) => {
      f.retarget('link.txt', 'one.txt', 'two.txt');
    },
    'link.txt',
  ],
  [
    'link leads to the same content',
    (f) => {
      f.retarget('same.txt', 'one.txt', 'one_more.txt');
    },
    null,
  ],
];

/** A library that the program has mapped anyway, or could. */
export function libraryOf(program: string): string {
  const maps = readFileSync('/proc/self/maps', 'utf8');
  const library = /\s(\/\S*libm\.so[.0-9]*)$/m.exec(maps)?.[1];
  return library ?? join(program, '..', '..', 'lib', 'libm.so.6');
}
