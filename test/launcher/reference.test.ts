// What is committed of the documents that are made from the schema of a profile and from the commands.
import test from 'ava';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { COMMANDS } from '../../launcher/command_table.js';
import { projectFolder } from '../../launcher/engine/index.js';
import { documents } from '../../scripts/reference/documents.js';

const all = await documents();

for (const [path, text] of all)
  test(`${path} says what the code says`, (t) => {
    const committed = readFileSync(join(projectFolder, path), 'utf8');
    t.is(committed, text, 'npm run docs:reference writes it anew');
  });

for (const path of [...all.keys()].filter((name) => name.startsWith('docs/man/')))
  test(`${path} is a manual page without faults`, (t) => {
    const { error, stdout, stderr } = spawnSync(
      'mandoc',
      ['-T', 'lint', '-W', 'warning', join(projectFolder, path)],
      {
        encoding: 'utf8',
      },
    );
    t.is(error, undefined);
    t.is(stdout + stderr, '');
  });

test('the manual page of thaw has each command, with its options', (t) => {
  const shown = spawnSync(
    'mandoc',
    ['-T', 'utf8', '-O', 'width=100', join(projectFolder, 'docs/man/thaw.1')],
    { encoding: 'utf8' },
  );
  // Bold is a letter, a backspace and the letter again.
  const text = shown.stdout.replaceAll(/.\x08/g, '');
  for (const { name } of COMMANDS) t.regex(text, new RegExp(`^ +thaw ${name}$`, 'm'));
  t.regex(text, /--like-unit <UNIT>\n +warm up with the environment/);
  t.regex(text, /THAW_LOG\n/);
});

/** What a shell offers for the words so far. */
const SHELLS: readonly (readonly [string, (line: string) => readonly string[]])[] = [
  [
    'bash',
    (line) => [
      '-c',
      `compopt() { :; }; . completions/thaw.bash; COMP_WORDS=(${line.endsWith(' ') ? `${line}''` : line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _thaw; printf '%s\\n' "\${COMPREPLY[@]}"`,
    ],
  ],
  ['fish', (line) => ['--no-config', '-c', `source completions/thaw.fish; complete -C '${line}'`]],
];

for (const [shell, command] of SHELLS)
  test(`completions of ${shell}`, (t) => {
    const offered = (line: string): string[] => {
      const { error, stdout, stderr } = spawnSync(shell, command(line), {
        cwd: projectFolder,
        encoding: 'utf8',
        env: { ...process.env, THAW_STORE: join(projectFolder, 'test') },
      });
      t.is(error, undefined);
      t.is(stderr, '');
      return stdout
        .split('\n')
        .map((one) => one.split('\t')[0] ?? '')
        .filter((one) => one !== '');
    };
    t.deepEqual(offered('thaw ver').sort(), ['verify']);
    t.deepEqual(offered('thaw build --like-').sort(), ['--like-env', '--like-unit']);
    // The folder test/profiles/ stands for a store's: what lies in it, for profiles.
    t.true(offered('thaw show ').length > 0);
    t.true(offered('thaw sign --key pac').includes('package.json'));
  });

test('completions of zsh', (t) => {
  const { error, stderr, status } = spawnSync('zsh', ['-n', 'completions/_thaw'], {
    cwd: projectFolder,
    encoding: 'utf8',
  });
  t.is(error, undefined);
  t.is(stderr, '');
  t.is(status, 0);
});
