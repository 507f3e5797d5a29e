// TypeScript's view of what the engine answers: a key that is missing, added or of another type on either side fails here.
import test from 'ava';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import * as v from 'valibot';

import { CPUS } from '../../launcher/cpus.js';
import { policyActions, policyTypes } from '../../launcher/definition/policies.js';
import {
  checkpointReportSchema,
  checksSchema,
  exitSchema,
  knownRootSchema,
  deathsSchema,
  storeLayoutSchema,
  verdictSchema,
  vocabularySchema,
} from '../../launcher/engine/answers.js';
import { imageSchema } from '../../launcher/engine/image.js';
import { type Policy, native } from '../../launcher/engine/index.js';
import { ThawError } from '../../launcher/errors.js';
import { LEVELS } from '../../launcher/log.js';
import { PHASES } from '../../launcher/phases.js';
import { Workshop, asFound, spawnSleeper } from './support.js';

/** A timer and a file, so that these tables of the image have a row, too. */
const work = `
import ctypes
timer = ctypes.c_void_p()
assert ctypes.CDLL(None).timer_create(1, None, ctypes.byref(timer)) == 0
held = open('app.py')
`;

test('what an image holds', (t) => {
  const workshop = new Workshop(t);
  const built = workshop.thaw(
    'build',
    workshop.profile('app', 'until = { log = "warm$" }\nsettle = "50ms"', work),
  );
  t.is(built.status, 0, built.stderr);
  const image = v.parse(imageSchema, native.show(join(workshop.store, 'profiles', 'app', 'current.thaw')));
  t.is(image.header.version, native.vocabulary().imageVersion);
  const [process] = image.processes;
  assert(process);
  t.is(
    v.parse(deathsSchema, native.deaths('/store/profiles/app/0123.thaw')).record,
    '/store/profiles/app/deaths/0123',
  );
  t.true(image.workingSet.runs.length > 0);
  t.true(image.files.length > 0);
  t.is(process.threads.length, 1);
  t.true(process.mappings.length > 0);
  t.is(process.timers.length, 1);
  t.true(process.descriptors.some(({ position }) => position === undefined));
  t.true(process.descriptors.some(({ position }) => position !== undefined));
});

test('how a checkpoint, its check and its process ended', async (t) => {
  const workshop = new Workshop(t);
  const image = join(workshop.folder, 'sleep.thaw');
  const pid = spawnSleeper(['sleep', '60']);
  const report = await native.checkpoint({ ...asFound, pid, image });
  v.parse(checkpointReportSchema, report);
  t.deepEqual(v.parse(exitSchema, await native.wait(pid)), { code: null, signal: 9 });
  t.deepEqual(v.parse(verdictSchema, native.verify(image, { data: true })), { ok: true, problems: [] });
  const { problems } = v.parse(verdictSchema, native.verify(workshop.folder, { data: false }));
  t.deepEqual(
    problems.map(({ condition }) => condition),
    ['image'],
  );
});

test("the launcher's words are the engine's", (t) => {
  const words = v.parse(vocabularySchema, native.vocabulary());
  t.deepEqual([...policyActions], words.policyActions);
  t.deepEqual([...policyTypes], words.policyTypes);
  t.deepEqual([...CPUS], words.cpus);
  t.deepEqual([...PHASES], words.phases);
  // The launcher's log knows more of them: $THAW_LOG is for both.
  t.deepEqual(
    words.logLevels.filter((level) => !LEVELS.includes(level)),
    [],
  );
});

test('the names in a store', (t) => {
  v.parse(storeLayoutSchema, native.store);
  const keys = [['a'], null].flatMap((args) =>
    ['', '/', '/tmp'].map((folder) => native.launchKey('/bin/true', args, folder)),
  );
  for (const key of keys) t.regex(key, /^[0-9a-f]{16}$/);
  t.is(new Set(keys).size, keys.length);
});

test('an action or a type that no policy has is an error that names the known ones', async (t) => {
  const wrong = async (policy: Policy): Promise<ThawError> => {
    const options = { ...asFound, pid: process.pid, image: '/nonexistent/x.thaw', policies: [policy] };
    return t.throwsAsync(native.checkpoint(options), { instanceOf: ThawError });
  };
  const action = await wrong({ action: 'apend' });
  t.is(action.message, "no policy has the action 'apend'");
  t.is(action.remedy, `known are ${policyActions.join(', ')}`);
  const type = await wrong({ type: 'sockets', action: 'close' });
  t.is(type.message, "no policy has the type 'sockets'");
  t.is(type.remedy, `known are ${policyTypes.join(', ')}`);
});

test('what is no root identity, and why', (t) => {
  t.deepEqual(v.parse(knownRootSchema, native.knownRoot('/nonexistent')), {
    kind: '',
    whyNot: 'cannot be read',
    content: '',
  });
});

test('what doctor finds', (t) => {
  t.true(v.parse(checksSchema, native.doctor(process.ppid)).length > 1);
});
