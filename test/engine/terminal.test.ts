// An app with a terminal: what comes of it where a launch has none, or may not change it. That its mode comes back, the table of
// apps shows (fd_terminal).
import test, { type ExecutionContext } from 'ava';
import { join } from 'node:path';

import type { App, LaunchOptions } from './support/app.js';
import { withApp } from './support/check.js';
import { self } from './support/identity.js';
import { apps, cli } from './support/paths.js';

function withTerminalApp(title: string, work: (t: ExecutionContext, app: App) => Promise<void>): void {
  test(title, (t) =>
    withApp(t, { app: 'fd_terminal' }, self, async (app) => {
      await app.start();
      await app.checkpoint();
      app.release();
      await work(t, app);
    }),
  );
}

async function refused(t: ExecutionContext, app: App, reason: RegExp, options: LaunchOptions): Promise<void> {
  const outcome = await app.launch({ env: { THAW_LOG: 'warn' }, ...options }).outcome;
  t.is(outcome.code, 125, outcome.stderr);
  t.regex(outcome.stderr, reason);
}

withTerminalApp('thaw show lists the copies of its mode that a launch corrects', async (t, app) => {
  const { stdout } = await app.runAs([process.execPath, cli, 'show', app.image]);
  t.regex(stdout, /copies of the terminal's mode \(\d+\)[^]*the mode of the launch's terminal/);
});

withTerminalApp('a caller without a terminal', (t, app) =>
  refused(t, app, /cannot open \/dev\/tty/, { wrapper: ['setsid', '--wait'] }),
);

withTerminalApp('a launch in the background does not change the terminal', (t, app) =>
  refused(t, app, /in the background/, {
    wrapper: [join(apps, 'on_terminal'), '40', '100', 'background'],
  }),
);

const job = { app: 'tree_job' };

test('a launch in the background gives a job no foreground', (t) =>
  withApp(t, job, self, async (app) => {
    await app.start();
    await app.checkpoint();
    await refused(t, app, /and is in the background/, {
      wrapper: [join(apps, 'on_terminal'), '40', '100', 'background'],
    });
    await refused(t, app, /a job in the foreground of its terminal, and there is none/, {
      wrapper: ['setsid', '--wait'],
    });
  }));
