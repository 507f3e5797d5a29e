// fs-verity, which this machine's kernel need not have: a flipped bit in an image's page data is an I/O error, not something
// that the app takes for its memory.
import test from 'ava';
import { execFileSync } from 'node:child_process';

import { runGuest, said } from './support/guest.js';
import { withData } from './support/expect.js';

interface Launch {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Found {
  readonly digest: { readonly kernel: string | null; readonly ours: string };
  readonly verify: string;
  readonly launch: Launch;
  readonly write: string;
  readonly 'data damaged': boolean;
  readonly 'launch of damaged data': Launch;
  readonly 'verify of damaged data': string;
  readonly 'metadata damaged': boolean;
  readonly 'launch of damaged metadata': Launch;
  readonly 'verify of damaged metadata': string;
}

test('an image under fs-verity: signed, required, launched, and damaged', (t) =>
  withData(async (data) => {
    execFileSync('truncate', ['-s', '256M', data]);
    execFileSync('mke2fs', ['-q', '-t', 'ext4', '-O', 'verity', '-b', '4096', data]);
    const outcome = await runGuest({
      cpu: 'aarch64',
      data,
      command: ['node', '/share/dist/test/system/support/verity.js'],
    });
    t.is(outcome.status, 0, said(outcome));
    const lines = outcome.stdout.split('\n').filter((line) => line.startsWith('{'));
    const found = Object.fromEntries(
      lines.map((line) => {
        const { step, found } = JSON.parse(line) as { step: string; found: unknown };
        return [step, found];
      }),
    ) as unknown as Found;

    t.is(found.digest.kernel, found.digest.ours);
    t.regex(found.verify, /: good\n$/);
    t.is(found.launch.status, 0, JSON.stringify(found.launch));
    t.is(found.launch.stdout, 'THAW_DATA_MARK\n');
    t.is(found.write, 'EPERM');

    t.true(found['data damaged']);
    const { signal, stdout } = found['launch of damaged data'];
    t.is(signal, 'SIGBUS', JSON.stringify(found['launch of damaged data']));
    t.is(stdout, '');
    t.regex(
      found['verify of damaged data'],
      /cannot read the image's page data at byte \d+: Input\/output error/,
    );

    t.true(found['metadata damaged']);
    const cold = found['launch of damaged metadata'];
    t.is(cold.status, 0, JSON.stringify(cold));
    t.is(cold.stdout, 'warm\nTHAW_DATA_MARK\n');
    t.regex(cold.stderr, /cannot read the image's metadata.*Input\/output error.*starting cold/);
    t.regex(found['verify of damaged metadata'], /cannot read the image's metadata/);
  }));
