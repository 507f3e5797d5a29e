// Which store of an index is a device's.
import test from 'ava';

import { native } from '../../launcher/engine/index.js';
import { type Device, type Needs, hindrances, thisDevice } from '../../launcher/registry/needs.js';
import { judge, ranked } from '../../launcher/registry/resolve.js';
import { simulate } from '../../scripts/fleet/simulation.js';

const words = (first: string): string => `${first}:0:0:0:0:0:0:0`;

const device: Device = {
  cpu: 'aarch64',
  imageVersion: 9,
  pageSize: 4096,
  cpuFeatureWords: words('ff'),
  buildId: (path) => (path === '/bin/app' ? 'aa' : ''),
  rootContent: (file) => (file === '/etc/version' ? '17' : ''),
};

const needs: Needs = {
  version: 1,
  model: '',
  profiles: ['app'],
  cpu: 'aarch64',
  imageVersion: 9,
  pageSize: 4096,
  cpuFeatures: [words('3')],
  roots: [],
  buildIds: { '/bin/app': 'aa' },
};

test('what speaks against a store here', (t) => {
  t.deepEqual(hindrances(needs, device), []);
  t.deepEqual(hindrances({ ...needs, cpu: 'armv7' }, device), ['it is for armv7']);
  t.deepEqual(hindrances({ ...needs, cpuFeatures: [words('3'), words('300')] }, device), [
    'CPU features: atomics, fphp',
  ]);
  t.deepEqual(hindrances({ ...needs, cpuFeatures: ['3'] }, device), [
    'CPU features: what this thaw does not know',
  ]);
  t.deepEqual(hindrances({ ...needs, pageSize: 16384 }, device), ['pages of 16384 bytes']);
  t.deepEqual(hindrances({ ...needs, imageVersion: 8 }, device), [
    'images of format 8, launches here take 9',
  ]);
  t.deepEqual(hindrances({ ...needs, buildIds: { '/bin/app': 'bb', '/lib/x': 'cc' } }, device), [
    'another /bin/app and 1 more files',
  ]);
});

test('the store of the very root comes first, then the one that makes most of the CPU', (t) => {
  const stores = {
    first: needs,
    cpu: { ...needs, cpuFeatures: [words('f')] },
    root: { ...needs, roots: [{ file: '/etc/version', content: '17' }] },
    other: { ...needs, roots: [{ file: '/etc/version', content: '18' }] },
    newer: { ...needs, cpuFeatures: [words('1ff')] },
  };
  const best = ranked(Object.entries(stores).map(([name, one]) => judge(name, one, device)));
  t.deepEqual(
    best.map(({ entry }) => entry),
    ['root', 'cpu', 'first', 'other'],
  );
});

test('this machine lacks nothing of its own', (t) => {
  const here = thisDevice();
  const own = { ...needs, ...here, cpuFeatures: [here.cpuFeatureWords], buildIds: {} };
  t.deepEqual(hindrances(own, here), []);
  t.not(native.buildId('/bin/ls'), '');
  t.is(native.buildId('/nonexistent'), '');
  t.is(native.missingFeatures('z80', '0', '0'), null);
});

test('in a fleet no device gets a store that would be cold', (t) => {
  const { wrong, own, kin, oldRoot, lacking, devices, indexBytes } = simulate({
    devices: 4000,
    models: 40,
    storeSize: 25e6,
  });
  t.is(wrong, 0);
  t.is(own + kin + oldRoot + lacking, devices);
  t.true(own > 0.8 * devices && kin > 0 && oldRoot > 0 && lacking > 0);
  t.true(indexBytes < 100_000, String(indexBytes));
});
