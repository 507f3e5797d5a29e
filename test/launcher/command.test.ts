// Commands: what they are given of their arguments, and what is wrong use.
import test from 'ava';

import { command } from '../../launcher/command.js';
import { UsageError } from '../../launcher/errors.js';
import { countOr, flag, names, parsed, repeated, required, text, textOr } from '../../launcher/options.js';
import { Workshop } from './support.js';

/** Answers the values that it was called with. */
async function called(...args: readonly string[]): Promise<unknown> {
  let values: unknown;
  const exitCode = await command({
    about: 'A command.',
    options: {
      quick: flag('--quick', 'a flag'),
      fallback: flag('--no-fallback', 'a flag that is on'),
      imageFile: required(text('--image-file <FILE>', 'an option that has to be there')),
      output: textOr('--output <DIR>', 'an option with a default', 'out'),
      runs: countOr('--runs <N>', 'a count', 5),
      only: parsed('--only <NAME,...>', 'names', names),
      policies: repeated('--policy <P>', 'several', (text) => text.toUpperCase()),
    },
    operands: ['<FIRST|OTHER>', '[SECOND]', '[REST...]'],
    passes: 'ARGS...',
    run(options, operands, passed) {
      values = { ...options, operands, passed };
      return 1;
    },
  }).call('thaw try', args);
  return exitCode === 1 ? values : undefined;
}

test('an option without its value does not take the next option for it', async (t) => {
  const error = await t.throwsAsync(() => called('--image-file', '--quick', 'a'), { instanceOf: UsageError });
  t.is(error.message, '--image-file has no value');
  t.like(await called('--image-file=--quick', 'a'), { imageFile: '--quick', quick: false });
  t.like(await called('--image-file', '-', 'a'), { imageFile: '-' });
});

test('options and operands have the values that were given, or their defaults', async (t) => {
  t.deepEqual(await called('--image-file', 'f', 'a'), {
    quick: false,
    fallback: true,
    imageFile: 'f',
    output: 'out',
    runs: 5,
    only: undefined,
    policies: [],
    operands: ['a', undefined, []],
    passed: [],
  });
  const options = [
    '--quick',
    '--no-fallback',
    '--image-file=f',
    '--output',
    'o',
    '--runs',
    '2',
    '--only',
    'x,y',
  ];
  const more = ['a', 'b', '--policy', 'p', 'c', '--policy', 'q', 'd', '--', '--quick', '--', 'e'];
  t.deepEqual(await called(...options, ...more), {
    quick: true,
    fallback: false,
    imageFile: 'f',
    output: 'o',
    runs: 2,
    only: ['x', 'y'],
    policies: ['P', 'Q'],
    operands: ['a', 'b', ['c', 'd']],
    passed: ['--quick', '--', 'e'],
  });
});

for (const [args, says] of [
  [['--image-file', 'f'], 'FIRST or OTHER is missing'],
  [['a'], '--image-file is missing'],
  [['a', '--image-file'], /--image-file <FILE>' argument missing/],
  [['a', '--image-file', 'f', '--runs', '1.5'], '--runs: not a count: 1.5'],
  [['a', '--image-file', 'f', '--nonsense'], "unknown option '--nonsense'"],
] as const)
  test(`wrong use: ${args.join(' ')}`, async (t) => {
    await t.throwsAsync(called(...args), { instanceOf: UsageError, message: says });
  });

test('what is too much is named, with where it may have been meant to stand', async (t) => {
  const one = command({ about: '', options: {}, operands: ['<NAME>'], passes: 'ARGS...', run: () => 0 });
  const error = await t.throwsAsync(one.call('thaw try', ['a', 'b']), { instanceOf: UsageError });
  t.is(error.message, 'unexpected argument: b');
  t.is(error.remedy, 'ARGS... stand after --');
});

test('help goes to stdout, with exit code 0', (t) => {
  const workshop = new Workshop(t);
  for (const [args, says] of [
    [['help'], /^Usage: thaw COMMAND[^]*\n {2}build +start, warm up/],
    [['--help'], /^Usage: thaw COMMAND/],
    [['--version'], /^thaw \d/],
    [['run', '--help'], /^Usage: thaw run \[options\] <NAME> \[-- ARGS\.\.\.\]\n[^]*--no-fallback/],
    [['bench', '-h'], /--runs <N> [^]*\(default: 5\)/],
  ] as const) {
    const { status, stdout, stderr } = workshop.thaw(...args);
    t.is(status, 0, stderr);
    t.regex(stdout, says);
    t.is(stderr, '');
  }
});
