// What the commands say of themselves: thaw's by their parsers, thaw-exec by its --help.
import type { Option } from 'commander';
import { execFileSync } from 'node:child_process';

import { COMMANDS, type Row } from '../../launcher/command_table.js';
import { native } from '../../launcher/engine/index.js';

export interface CommandTold {
  readonly name: string;
  /** A few words, for lists. */
  readonly summary: string;
  readonly usage: string;
  /** Paragraphs. */
  readonly about: string;
  readonly options: readonly OptionTold[];
  /** The names of its operands. */
  readonly operands: readonly string[];
  readonly notes: string | undefined;
}

export interface OptionTold {
  /** Its flags, with the name of its value. */
  readonly term: string;
  /** With its default. */
  readonly meaning: string;
  /** The heading that it stands under; undefined: none of its own. */
  readonly group: string | undefined;
  readonly option: Option;
}

/** In the order of `thaw --help`. */
export function commands(): Promise<CommandTold[]> {
  return Promise.all(COMMANDS.map(told));
}

async function told({ name, summary, load }: Row): Promise<CommandTold> {
  const command = (await load()).default;
  const parser = command.parser(`thaw ${name}`);
  const help = parser.createHelp();
  return {
    name,
    summary,
    usage: help.commandUsage(parser),
    about: help.commandDescription(parser),
    options: help.visibleOptions(parser).map((option) => ({
      term: help.optionTerm(option),
      meaning: help.optionDescription(option),
      group: option.helpGroupHeading,
      option,
    })),
    operands: parser.registeredArguments.map((argument) => argument.name()),
    notes: command.notes,
  };
}

export const THAW_EXEC_SUMMARY = 'become a program, warm from its image if possible';

export interface ThawExecTold extends Pick<CommandTold, 'usage' | 'about'> {
  readonly options: readonly Pick<OptionTold, 'term' | 'meaning'>[];
  readonly notes: string;
}

/** @throws Error where its --help has another form */
export function thawExec(): ThawExecTold {
  const help = execFileSync(native.thawExec(), ['--help'], { encoding: 'utf8' });
  const [usage = '', about = '', options = '', notes = ''] = help.split('\n\n');
  const rows = [...options.matchAll(/^ {2}(-\S+(?: [A-Z]+)?) {2,}(.*(?:\n {4,}.*)*)$/gm)];
  if (rows.length === 0 || notes === '') throw new Error(`not the --help that is known: ${help}`);
  return {
    usage: usage.replace('usage: ', ''),
    about,
    options: [
      ...rows.map(([, term = '', text = '']) => ({ term, meaning: text.replaceAll(/\s+/g, ' ') })),
      { term: '--help, --version', meaning: 'say what there is to say, and end' },
    ],
    notes,
  };
}
