// The manual pages: of thaw from its commands, of thaw-exec from what it says of itself, of profiles from their schema.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { ABOUT, NOTES } from '../../launcher/command_table.js';
import { projectFolder } from '../../launcher/engine/index.js';
import { type CommandTold, THAW_EXEC_SUMMARY, commands, thawExec as thawExecTold } from './commands.js';
import { EXAMPLE, sections } from './keys.js';
import { example, heading, item, manualPage, prose, subheading } from './roff.js';
import { sentence } from './words.js';

/** Their texts, by their paths in the project. */
export async function manualPages(): Promise<ReadonlyMap<string, string>> {
  const { version } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as {
    version: string;
  };
  return new Map([
    ['docs/man/thaw.1', await thaw(version)],
    ['docs/man/thaw-exec.1', thawExec(version)],
    ['docs/man/thaw.toml.5', profile(version)],
  ]);
}

async function thaw(version: string): Promise<string> {
  return manualPage(
    {
      name: 'thaw',
      section: 1,
      summary: 'make and manage images of warmed-up apps',
      parts: [
        heading('Synopsis'),
        '.B thaw\n.I COMMAND\n.RI [ options ]\n',
        heading('Description'),
        prose(`${ABOUT} thaw makes the images; thaw-exec(1) launches them.\n\n${NOTES.trim()}`),
        heading('Commands'),
        ...(await commands()).map(commandText),
        heading('Exit status'),
        ...statusItems('thaw'),
        heading('Environment'),
        ...variableItems('`thaw`'),
        heading('See also'),
        prose('thaw-exec(1), thaw.toml(5)'),
      ],
    },
    version,
  );
}

function commandText({ name, summary, usage, about, options, notes }: CommandTold): string {
  return [
    subheading(`thaw ${name}`),
    prose(sentence(summary)),
    example(usage),
    prose(about),
    ...options.map(({ term, meaning }) => item(term, meaning)),
    ...(notes === undefined ? [] : [prose(notes)]),
  ].join('');
}

function thawExec(version: string): string {
  const { usage, about, options, notes } = thawExecTold();
  return manualPage(
    {
      name: 'thaw-exec',
      section: 1,
      summary: THAW_EXEC_SUMMARY,
      parts: [
        heading('Synopsis'),
        example(usage),
        heading('Description'),
        prose(`${about}\n\n${notes}`),
        heading('Options'),
        ...options.map(({ term, meaning }) => item(term, meaning)),
        heading('Exit status'),
        ...statusItems('thaw-exec'),
        heading('Environment'),
        ...variableItems('`thaw-exec`'),
        heading('Examples'),
        prose('In a shell script:'),
        example('cd /srv/web\nPORT=8123 exec thaw-exec -- /usr/bin/node server.js'),
        prose('In a unit of systemd, as thaw unit writes it:'),
        example('ExecStart=/usr/bin/thaw-exec -- /usr/bin/node server.js'),
        heading('Files'),
        item('/var/lib/thaw', "the system's store of images"),
        item(
          '/etc/thaw/require-signature.pem',
          'public keys: where it is there, images need a signature by one of them',
        ),
        heading('See also'),
        prose('thaw(1), thaw.toml(5)'),
      ],
    },
    version,
  );
}

function profile(version: string): string {
  const parts = sections().flatMap(({ title, description, keys }) => [
    subheading(title),
    ...(description === '' ? [] : [prose(description)]),
    ...keys.map(({ key, accepted, fallback, meaning }) =>
      item(key, sentence(meaning), valueWords(accepted, fallback)),
    ),
  ]);
  return manualPage(
    {
      name: 'thaw.toml',
      section: 5,
      summary: 'profile of an app for thaw',
      parts: [
        heading('Description'),
        prose(
          "A profile is a TOML file that says how to start an app, when it is warm, and how to exercise it. thaw build makes an image from it. Names such as docs/guard.md are of pages of thaw's documentation.",
        ),
        heading('Example'),
        example(EXAMPLE),
        heading('Keys'),
        ...parts,
        heading('See also'),
        prose('thaw(1), thaw-exec(1)'),
      ],
    },
    version,
  );
}

function valueWords(accepted: string, fallback: string): string {
  const words = fallback === '(required)' ? 'Required' : fallback === '' ? '' : `Default: ${fallback}`;
  return [accepted === '' ? '' : `Accepted: ${accepted}`, words].filter((part) => part !== '').join('. ');
}

/** Rows of a table in docs/reference/ whose head begins with `| first |`. */
function rowsOf(file: string, isTable: (head: string) => boolean): string[][] {
  const lines = readFileSync(join(projectFolder, 'docs/reference', file), 'utf8').split('\n');
  const begin = lines.findIndex((line) => line.startsWith('|') && isTable(line));
  const rest = lines.slice(begin + 2);
  return rest
    .slice(
      0,
      rest.findIndex((line) => !line.startsWith('|')),
    )
    .map((line) => line.slice(2, -2).split(' | '));
}

function statusItems(program: string): string[] {
  return rowsOf('exit-codes.md', (head) => head.includes(`\`${program}\``)).map(([code = '', text = '']) =>
    item(code, text),
  );
}

function variableItems(program: string): string[] {
  return rowsOf('environment.md', () => true)
    .filter(([, reader = '']) => reader.split(', ').includes(program))
    .map(([names = '', , text = '']) => item(names.replaceAll('`', ''), text));
}
