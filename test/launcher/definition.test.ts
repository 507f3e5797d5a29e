// Definitions: what is wrong is told with file, line and what would be accepted.
import test from 'ava';
import { chmodSync } from 'node:fs';
import { join } from 'node:path';

import { readDefinition } from '../../launcher/definition/read.js';
import { ThawError } from '../../launcher/errors.js';
import { Workshop } from './support.js';

const good = `name = "app"
program = "sh"
args = ["-c", "true"]
env = { A = "1" }

[warmup]
until = { port = 80 }
`;

test('a definition with its defaults', (t) => {
  const workshop = new Workshop(t);
  const definition = readDefinition(workshop.write('app.toml', good));
  t.like(definition, { name: 'app', args: ['-c', 'true'], cwd: workshop.folder, env: { A: '1' } });
  t.regex(definition.program, /^\/.*\/sh$/);
  t.deepEqual(definition.warmup, {
    until: { kind: 'port', port: 80 },
    run: [],
    settleMs: 200,
    timeoutMs: 60_000,
  });
  t.deepEqual(definition.launch, { args: 'exact', inherit: [] });
  t.deepEqual(definition.policies, []);
});

/** What is changed in the good definition, the line that the error names, and its words. */
const wrong: readonly (readonly [from: string | RegExp, to: string, line: number, says: RegExp])[] = [
  ['name = "app"', 'name = "App!"', 1, /"App!"/],
  ['program = "sh"', 'program = "no-such-program"', 2, /not in PATH/],
  ['program = "sh"', 'program = "./no/such"', 2, /no executable file/],
  ['args = ["-c", "true"]', 'cwd = "no/such"', 3, /no folder/],
  ['args = ["-c", "true"]', 'args = "true"', 3, /a list of strings/],
  ['env = { A = "1" }', 'env = { A = 1 }', 4, /table of strings/],
  ['env = {', 'envy = {', 4, /not known.*accepted here: name, .*env/s],
  ['until = { port = 80 }', 'until = { port = 80, log = "x" }', 7, /two triggers/],
  ['until = { port = 80 }', 'until = { port = 70000 }', 7, /from 1 to 65535/],
  ['until = { port = 80 }', 'until = { log = "(" }', 7, /regular expression/],
  ['until = { port = 80 }', 'until = { idle = "2 hours" }', 7, /duration/],
  ['until = { port = 80 }', 'until = { syscall = "open" }', 7, /not supported/],
  ['until = { port = 80 }', 'until = {}', 7, /names no trigger/],
  [/$/, 'settle = 5\n', 8, /duration/],
  [/$/, '[launch]\nargs = "deliver"\n', 9, /call = true/],
  [/$/, '[launch]\ninherit = [1]\n', 9, /always inherited/],
  [/$/, '[[policies]]\ntype = "files"\naction = "close"\n', 9, /"file", "directory"/],
  [/$/, '[[policies]]\ntype = "pipe"\naction = "append"\n', 10, /only files/],
  [/$/, 'x = = 1\n', 8, /./],
];

for (const [from, to, line, says] of wrong)
  test(`${JSON.stringify(to)} in line ${line}`, (t) => {
    const path = new Workshop(t).write('app.toml', good.replace(from, to));
    const error = t.throws(() => readDefinition(path), { instanceOf: ThawError });
    t.true(error.message.startsWith(`${path}:${line}: `), error.message);
    t.regex(`${error.message}\n${error.remedy ?? ''}`, says);
  });

test('the paths of a definition are relative to its folder', (t) => {
  const workshop = new Workshop(t);
  const text = good.replace('{ port = 80 }', '{ file = "run/ready" }').replace('"sh"', '"./app.sh"');
  chmodSync(workshop.write('app.sh', '#!/bin/sh\n'), 0o755);
  const { program, warmup } = readDefinition(workshop.write('app.toml', text));
  t.is(program, join(workshop.folder, 'app.sh'));
  t.deepEqual(warmup.until, { kind: 'file', path: join(workshop.folder, 'run/ready') });
});
