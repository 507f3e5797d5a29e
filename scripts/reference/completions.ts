// Completions for shells, from the commands of thaw.
import { type CommandTold, commands as allCommands } from './commands.js';

/** What a word of the command line is. */
type Kind = 'profile' | 'file' | 'folder' | 'unit' | 'pid' | 'text';

interface Option {
  readonly long: string;
  readonly short: string | undefined;
  readonly words: string;
  /** Of its value; undefined: it has none. */
  readonly value: Kind | undefined;
}

interface Words {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly Option[];
  /** The kinds of its operands. */
  readonly operands: readonly Kind[];
}

/** Their texts, by their paths in the project. */
export async function completions(): Promise<ReadonlyMap<string, string>> {
  const commands = (await allCommands()).map(wordsOf);
  return new Map([
    ['completions/thaw.bash', bash(commands)],
    ['completions/_thaw', zsh(commands)],
    ['completions/thaw.fish', fish(commands)],
  ]);
}

function wordsOf({ name, summary, options, operands }: CommandTold): Words {
  return {
    name,
    summary,
    options: options.map(({ option }) => ({
      long: option.long ?? '',
      short: option.short,
      words: firstWords(option.description),
      value: option.required ? kindOf(/<([^>]*)>/.exec(option.flags)?.[1] ?? '') : undefined,
    })),
    operands: operands.flatMap((operand) => operand.split('|').map(kindOf)),
  };
}

/** As --help names it: `DIR`, `NAME`, `PROFILE.toml`. */
function kindOf(name: string): Kind {
  if (/DIR|^PATH$/.test(name)) return 'folder';
  if (/FILE|toml|pem/.test(name)) return 'file';
  if (/^NAME$/.test(name)) return 'profile';
  if (name === 'UNIT') return 'unit';
  return name === 'PID' ? 'pid' : 'text';
}

/** Up to the first stop. */
function firstWords(text: string): string {
  return (/^[^;:(,.]+/.exec(text)?.[0] ?? text).trim();
}

const HEADER = '# Made by npm run docs:reference.\n';
const PROFILES =
  'ls -- "${THAW_STORE:-/var/lib/thaw}/profiles" "${XDG_STATE_HOME:-$HOME/.local/state}/thaw/profiles" 2>/dev/null';
const UNITS = 'systemctl list-unit-files --type=service --no-legend --plain 2>/dev/null';

function flags({ long, short }: Option): string[] {
  return short === undefined ? [long] : [short, long];
}

function bash(commands: readonly Words[]): string {
  const values: Readonly<Record<Kind, string>> = {
    profile: '_thaw_profiles',
    file: '_thaw_files -f',
    folder: '_thaw_files -d',
    unit: '_thaw_units',
    pid: '_thaw_pids',
    text: ':',
  };
  const cases = commands.map(({ name, options, operands }) => {
    const withValue = options.flatMap((option) =>
      option.value === undefined ? [] : [`${flags(option).join('|')}) ${values[option.value]} ;;`],
    );
    const all = options.flatMap(flags).join(' ');
    const rest = [...new Set(operands)].map((kind) => values[kind]).join('; ') || ':';
    const previous =
      withValue.length === 0
        ? ''
        : `case $previous in\n${withValue.map((line) => `                ${line}`).join('\n')}\n                *) _thaw_other ;;\n            esac`;
    return `        ${name})
            options='${all}'
            _thaw_other() {
                case $current in
                    -*) _thaw_words "$options" ;;
                    *) ${rest} ;;
                esac
            }
            ${previous === '' ? '_thaw_other' : previous}
            ;;`;
  });
  return `# bash completion for thaw. ${HEADER.slice(2)}
_thaw_words() { mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -W "$1" -- "$current"); }
_thaw_files() {
    compopt -o filenames
    mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen "$1" -- "$current")
}
_thaw_profiles() { _thaw_words "$(${PROFILES} | grep -v ':$')"; }
_thaw_units() { _thaw_words "$(${UNITS} | cut -d ' ' -f 1)"; }
_thaw_pids() { _thaw_words "$(ps -e -o pid=)"; }

_thaw() {
    local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} options
    COMPREPLY=()
    if [ "$COMP_CWORD" = 1 ]; then
        _thaw_words '${commands.map(({ name }) => name).join(' ')} --help --version'
        return
    fi
    case \${COMP_WORDS[1]} in
${cases.join('\n')}
    esac
}
complete -F _thaw thaw
`;
}

function zsh(commands: readonly Words[]): string {
  const values: Readonly<Record<Kind, string>> = {
    profile: 'profile:_thaw_profiles',
    file: 'file:_files',
    folder: 'folder:_files -/',
    unit: 'unit:_thaw_units',
    pid: 'pid:_pids',
    text: 'value: ',
  };
  const safe = (text: string): string => text.replaceAll("'", "'\\''").replaceAll(/[[\]:]/g, '\\$&');
  const cases = commands.map(({ name, options, operands }) => {
    const lines = options.flatMap((option) =>
      flags(option).map((one) => {
        const value = option.value === undefined ? '' : `:${values[option.value]}`;
        return `'${one}${option.value !== undefined && one.startsWith('--') ? '=' : ''}[${safe(option.words)}]${value}'`;
      }),
    );
    const kinds = [...new Set(operands)];
    const rest = kinds.map((kind) => `'*:${values[kind]}'`);
    return `        ${name}) _arguments ${[...lines, ...(rest[0] === undefined ? [] : [rest[0]])].join(' \\\n                ')} ;;`;
  });
  const list = commands.map(({ name, summary }) => `        '${name}:${safe(summary)}'`);
  return `#compdef thaw
${HEADER}
_thaw_profiles() { local -a names; names=(\${(f)"$(${PROFILES} | grep -v ':$')"}); compadd -a names; }
_thaw_units() { local -a names; names=(\${(f)"$(${UNITS} | cut -d ' ' -f 1)"}); compadd -a names; }

_thaw() {
    local -a commands
    commands=(
${list.join('\n')}
    )
    if (( CURRENT == 2 )); then
        _describe command commands
        return
    fi
    local command=$words[2]
    shift words
    (( CURRENT-- ))
    case $command in
${cases.join('\n')}
    esac
}

_thaw "$@"
`;
}

function fish(commands: readonly Words[]): string {
  const values: Readonly<Record<Kind, string>> = {
    profile: "-a '(__thaw_profiles)'",
    file: '-F',
    folder: "-a '(__fish_complete_directories)'",
    unit: "-a '(__thaw_units)'",
    pid: "-a '(__fish_complete_pids)'",
    text: '',
  };
  const safe = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`;
  const lines = commands.flatMap(({ name, summary, options, operands }) => {
    const when = `-n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c thaw -n __fish_use_subcommand -a ${name} -d ${safe(summary)}`,
      ...options.map((option) => {
        const short = option.short === undefined ? '' : ` -s ${option.short.slice(1)}`;
        const value = option.value === undefined ? '' : ` -x ${values[option.value]}`;
        return `complete -c thaw ${when} -l ${option.long.slice(2)}${short} -d ${safe(option.words)}${value.replace('-x -F', '-r -F')}`.trimEnd();
      }),
      ...[...new Set(operands)]
        .filter((kind) => values[kind] !== '')
        .map((kind) => `complete -c thaw ${when} ${values[kind]}`),
    ];
  });
  return `${HEADER}
function __thaw_profiles
    set -l stores /var/lib/thaw ~/.local/state/thaw
    set -q THAW_STORE; and set stores $THAW_STORE
    for store in $stores
        test -d $store/profiles; and path basename $store/profiles/*/
    end
end

function __thaw_units
    ${UNITS} | string split -f 1 ' '
end

complete -c thaw -f
${lines.join('\n')}
`;
}
