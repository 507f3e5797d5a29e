// The reference of the commands, as Markdown.
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { ABOUT, NOTES } from '../../launcher/command_table.js';
import { projectFolder } from '../../launcher/engine/index.js';
import { type CommandTold, type OptionTold, THAW_EXEC_SUMMARY, commands, thawExec } from './commands.js';
import { table } from './markdown.js';
import { sentence } from './words.js';

const introduction = `<!-- Made from launcher/commands/ and native/exec/options.cc by \`npm run docs:reference\`. -->

# Commands, option by option

\`thaw\` makes and manages images, \`thaw-exec\` launches them. Both say the same of themselves with \`--help\`. What is the
same for all: [exit codes](exit-codes.md), [environment variables](environment.md), [the store](store.md). Why a launch
is cold, and in which words, is told by [the checks before a launch](../launch-checks.md).
`;

export async function commandReference(): Promise<string> {
  const all = await commands();
  return [introduction, overview(all), ...all.map(commandText), thawExecText()].join('\n');
}

function overview(all: readonly CommandTold[]): string {
  const rows = all.map(({ name, summary }) => [`[\`thaw ${name}\`](#thaw-${name})`, summary]);
  return (
    `## thaw\n\n${prose(`${ABOUT}\n\n${NOTES.trim()}`)}\n\n` +
    table(['command', 'what it does'], [...rows, ['[`thaw-exec`](#thaw-exec)', THAW_EXEC_SUMMARY]])
  );
}

function commandText({ name, summary, usage, about, options, notes }: CommandTold): string {
  const groups = [...new Set(options.map(({ group }) => group))];
  return blocks([
    `## thaw ${name}`,
    prose(sentence(summary)),
    usageText(usage),
    prose(about),
    ...groups.flatMap((group) => [
      ...(group === undefined ? [] : [group]),
      optionTable(options.filter((option) => option.group === group)),
    ]),
    ...(notes === undefined ? [] : [notesText(notes)]),
  ]);
}

function thawExecText(): string {
  const { usage, about, options, notes } = thawExec();
  return blocks(['## thaw-exec', usageText(usage), prose(about), optionTable(options), prose(notes)]);
}

/** With a blank line between each two. */
function blocks(parts: readonly string[]): string {
  return parts.map((part) => `${part.trimEnd()}\n`).join('\n');
}

function usageText(usage: string): string {
  return `\`\`\`text\n${usage}\n\`\`\``;
}

function optionTable(options: readonly Pick<OptionTold, 'term' | 'meaning'>[]): string {
  return table(
    ['option', 'meaning'],
    options.map(({ term, meaning }) => [`\`${term}\``, prose(meaning)]),
  );
}

/** Paragraphs of one line each; lines that are set in stand as they are. */
function notesText(notes: string): string {
  const [first = '', ...rest] = notes.trimEnd().split('\n');
  if (rest.length === 0 || !rest.every((line) => line.startsWith('  '))) return prose(notes);
  return `${prose(first)}\n\n${usageText(rest.join('\n'))}`;
}

/** Plain text: pages that it names become links, and nothing in it is Markdown by chance. */
function prose(text: string): string {
  return text
    .split(/\n{2,}/)
    .map((paragraph) => paragraph.replaceAll('\n', ' ').trim())
    .join('\n\n')
    .replaceAll(/[*<]/g, '\\$&')
    .replaceAll(/docs\/([\w/-]+\.md)/g, (path, page: string) => {
      if (!existsSync(join(projectFolder, path))) throw new Error(`there is no ${path}`);
      return `[${path}](../${page})`;
    });
}
