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
    until: { kind: 'port', value: 80 },
    run: [],
    stdin: 'null',
    settleMs: 200,
    timeoutMs: 60_000,
  });
  t.deepEqual(definition.launch, {
    args: 'exact',
    cwd: 'exact',
    env: 'exact',
    ignore_env: [],
    inherit: [],
    keep_pid: false,
    pids: 'corrected',
    guard: { withinMs: 5000, tries: 3 },
  });
  t.deepEqual(definition.policies, []);
});

test('without a section of its own, training does what the warm-up did', (t) => {
  const workshop = new Workshop(t);
  const run = `${good}run = ["true"]\n`;
  t.deepEqual(readDefinition(workshop.write('app.toml', run)).train, { run: ['true'] });
  t.deepEqual(readDefinition(workshop.write('app.toml', `${run}[train]\n`)).train, { run: [] });
});

test('times are in milliseconds', (t) => {
  const path = new Workshop(t).write('app.toml', `${good}settle = "1.5s"\ntimeout = "2m"\n`);
  t.like(readDefinition(path).warmup, { settleMs: 1500, timeoutMs: 120_000 });
});

/** What is changed in the good definition, the line that the error names, and its words. */
const wrong: readonly (readonly [from: string | RegExp, to: string, line: number, says: RegExp])[] = [
  ['name = "app"', 'name = "App!"', 1, /"App!"/],
  ['program = "sh"', 'program = "no-such-program"', 2, /not in PATH/],
  ['program = "sh"', 'program = "./no/such"', 2, /no executable file/],
  ['program = "sh"', 'program = "sh"\nadapter = "perl"', 3, /"auto", "none", "python"/],
  ['args = ["-c", "true"]', 'cwd = "no/such"', 3, /no folder/],
  ['args = ["-c", "true"]', 'args = "true"', 3, /a list of strings/],
  ['env = { A = "1" }', 'env = { A = 1 }', 4, /table of strings/],
  ['env = {', 'inputs = { watch = false, root_identity = "/x" }\nenv = {', 4, /root_identity is set, but/],
  ['env = {', 'envy = {', 4, /not known.*accepted here: name, .*env/s],
  ['until = { port = 80 }', 'until = { port = 80, log = "x" }', 7, /two triggers/],
  ['until = { port = 80 }', 'until = { port = 70000 }', 7, /from 1 to 65535/],
  ['until = { port = 80 }', 'until = { log = "(" }', 7, /regular expression/],
  ['until = { port = 80 }', 'until = { idle = "2 hours" }', 7, /duration/],
  ['until = { port = 80 }', 'until = { signal = "HUP" }', 7, /until\.signal is not known.*port, log/s],
  ['until = { port = 80 }', 'until = { syscall = "open" }', 7, /until\.syscall is "open".*name = "openat"/s],
  ['until = { port = 80 }', 'until = {}', 7, /names no trigger/],
  [/$/, 'settle = 5\n', 8, /duration/],
  [/$/, '[launch]\nargs = "deliver"\n', 9, /call = true/],
  [/$/, '[launch]\ninherit = [1]\n', 9, /always inherited/],
  [/$/, '[[policies]]\ntype = "files"\naction = "close"\n', 9, /"file", "directory"/],
  [/$/, '[[policies]]\ntype = "pipe"\naction = "append"\n', 10, /only files/],
  [/$/, '[[policies]]\ntype = "socket"\naction = "pid"\n', 10, /only files can hold a pid/],
  [/$/, '[[policies]]\ntype = "socket"\naction = "relock"\n', 10, /only files can be locked again/],
  [/$/, '[[policies]]\ntype = "pipe"\naction = "reset"\n', 10, /only connections can be reset/],
  [/$/, '[launch]\nkeep_pid = 1\n', 9, /true or false/],
  [/$/, '[launch]\npids = "same"\n', 9, /"corrected", "namespace"/],
  [/$/, '[launch]\nkeep_pid = true\npids = "namespace"\n', 9, /keep_pid is true.*leave one of the two out/s],
  [/$/, '[launch]\nguard = true\n', 9, /within = "5s", tries = 3.*or false/],
  [/$/, '[launch]\nguard = { within = "900ms" }\n', 9, /"1s" to "60m"/],
  [/$/, '[launch]\nguard = { tries = 0 }\n', 9, /within = "5s", tries = 3|from 1 to 100/],
  [/$/, 'x = = 1\n', 8, /./],
  [/$/, 'until = { port = 81 }\n', 8, /redefine/],
  ['args = ["-c", "true"]', 'args = ["-c",\n  "true",\n  1]', 5, /args\[2\] is 1.*a list of strings/s],
  ['args = ["-c", "true"]', 'args = []\nprogramm = "x"', 4, /programm is not known.*program,/s],
  ['env = { A = "1" }', 'env = {A = "1", constructor = "x" }', 4, /env\.constructor cannot be set/],
  ['env = { A = "1" }', 'env = []', 4, /env is a list.*table of strings/s],
  ['env = { A = "1" }', 'env = { A = "1", "B=C" = "2" }', 4, /"B=C" is no name.*without "="/s],
  ['env = { A = "1" }', 'env = { A = "1" }\nuser = 1979-05-27T07:32:00Z', 5, /user is .*a string/s],
  [/\[warmup\][^]*/, 'warmup = []\n', 6, /warmup is a list.*\[warmup\] with until/s],
  [/\[warmup\]\nuntil.*/, '[warmup]\nrun = []', 6, /warmup\.until is missing.*one of port, log/s],
  [/\[warmup\]\nuntil = .*/, 'warmup.until.port = "x"', 6, /warmup\.until\.port is "x".*from 1 to 65535/s],
  [/\[warmup\]\nuntil = .*/, 'warmup.settle = "1s"\nwarmup.until.delay = 5', 7, /warmup\.until\.delay is 5/],
  [/\[warmup\]\nuntil = .*/, '[warmup.until]\n# port = 80\nport = 0', 8, /until\.port is 0/],
  [
    /\[warmup\]\nuntil = .*/,
    '[ "warmup" ] # settle = 1\nuntil.port = 80\nsettle = 1',
    8,
    /warmup\.settle is 1/,
  ],
  [/$/, 'run = [\n  "a", # settle = 1\n]\nsettle = 1\n', 11, /warmup\.settle is 1/],
  [/$/, 'run = [\"\"\"\nsettle = 1\n[launch]\n\"\"\"]\nsettle = 1\n', 12, /warmup\.settle is 1/],
  [/$/, "run = ['''\nuntil = {}\n''', 1]\n", 10, /warmup\.run\[1\] is 1/],
  [/$/, '[launch]\ninherit = [3,\n 4,\n 2]\n', 11, /inherit\[2\] is 2.*always inherited/s],
  [/$/, '[[policies]]\naction = "close"\n[[policies]]\ntype = "pipe"\n', 10, /\[1\]\.action is missing/],
  [/$/, '[[policies]]\naction = "close"\n[[policies]]\naction = "shut"\n', 11, /\[1\]\.action is "shut"/],
  [
    /\[warmup\]/,
    'policies = [\n{ action = "close" },\n{ actoin = "x" }]\n$&',
    8,
    /\[1\]\.actoin is not known.*action/s,
  ],
];

for (const [from, to, line, says] of wrong)
  test(`${JSON.stringify(to)} in line ${line}`, (t) => {
    const path = new Workshop(t).write('app.toml', good.replace(from, to));
    const error = t.throws(() => readDefinition(path), { instanceOf: ThawError });
    t.true(error.message.startsWith(`${path}:${line}: `), error.message);
    t.regex(`${error.message}\n${error.remedy ?? ''}`, says);
  });

test('what the top lacks has no line', (t) => {
  const path = new Workshop(t).write('app.toml', good.replace('name = "app"', ''));
  t.throws(() => readDefinition(path), { message: `${path}: name is missing` });
});

test('the paths of a definition are relative to its folder', (t) => {
  const workshop = new Workshop(t);
  const text = good.replace('{ port = 80 }', '{ file = "run/ready" }').replace('"sh"', '"./app.sh"');
  chmodSync(workshop.write('app.sh', '#!/bin/sh\n'), 0o755);
  const { program, warmup } = readDefinition(workshop.write('app.toml', text));
  t.is(program, join(workshop.folder, 'app.sh'));
  t.deepEqual(warmup.until, { kind: 'file', value: join(workshop.folder, 'run/ready') });
});
