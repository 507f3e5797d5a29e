// Chromium with all its processes: the page of the warm-up goes on, others are opened in new renderers, and pictures are those of a
// cold start.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Browser, type Page, chromium } from 'playwright-core';

import { commandOf, warmCommand } from '../../bench/start.js';
import { Thaw } from '../../bench/thaw.js';
import { until } from '../engine/support/process.js';
import { allowLargePids, processesOf } from '../engine/support/tree.js';
import { PATIENCE_MS } from '../patience.js';

const { command, cwd, env } = commandOf({ profile: 'chromium' });
const port = 8217;
/** What all its processes have in their command lines. */
const mark = '--disable-crash-reporter';

interface Shell {
  readonly child: ChildProcess;
  readonly browser: Browser;
  readonly page: Page;
}

async function start(t: ExecutionContext, [program = '', ...args]: readonly string[]): Promise<Shell> {
  const child = spawn(program, args, { cwd, env, stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  let browser: Browser | undefined;
  await until('the browser', async () => {
    browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`).catch(() => undefined);
    return browser !== undefined || child.exitCode !== null;
  });
  const page = browser?.contexts()[0]?.pages()[0];
  if (browser === undefined || page === undefined)
    throw new Error(`no page; exit code ${String(child.exitCode)}`);
  return { child, browser, page };
}

async function end(t: ExecutionContext, { child, browser }: Shell): Promise<void> {
  await browser.close().catch(() => undefined);
  child.kill('SIGTERM');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  await until('all processes to end', () => processesOf(mark).length === 0).catch(() => undefined);
  t.deepEqual(processesOf(mark), []);
}

async function secondsOf(page: Page): Promise<number> {
  return Number(await page.locator('#seconds').textContent());
}

/** A page of another site, which gets a renderer of its own, as a picture. */
async function pictureOf({ browser }: Shell, url: string): Promise<Buffer> {
  const page = await browser.contexts()[0]?.newPage();
  if (page === undefined) throw new Error('no new page');
  await page.goto(url);
  const picture = await page.screenshot();
  await page.close();
  return picture;
}

if (process.getuid?.() === 0) {
  allowLargePids();
  const folder = mkdtempSync(join(tmpdir(), 'thaw-chromium-'));
  const thaw = new Thaw(join(folder, 'store'));
  const server = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end(
      '<title>other</title><body style="background: #fed"><h1>Another site</h1><p id="made"></p>' +
        '<script>document.getElementById("made").textContent = [3, 1, 2].sort().join(" < ")</script>',
    );
  });

  test.serial.before('build chromium', async (t) => {
    t.timeout(600_000);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await thaw.build('chromium');
  });

  test.after.always('remove the store', () => {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.serial(
    'chromium: the page goes on, another site looks as after a cold start, nothing is left',
    async (t) => {
      t.timeout(2 * PATIENCE_MS);
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const cold = await start(t, command);
      const wanted = await pictureOf(cold, url);
      await end(t, cold);
      const draws = new Set<string>();
      for (const launch of [1, 2, 3]) {
        const warm = await start(t, warmCommand(thaw.store, 'chromium', command));
        t.is(await warm.page.title(), 'Departures', `launch ${launch}`);
        t.is(await warm.page.locator('tr').count(), 12);
        const seconds = await secondsOf(warm.page);
        t.true(seconds >= 1, `it has been shown for ${seconds} s`);
        await until('the page to go on', async () => (await secondsOf(warm.page)) > seconds);
        t.true((await pictureOf(warm, url)).equals(wanted), `launch ${launch}: another picture`);
        draws.add(await warm.page.evaluate('crypto.getRandomValues(new Uint32Array(4)).join()'));
        await end(t, warm);
      }
      t.is(draws.size, 3);
    },
  );
} else
  test('chromium: only root can build it, for its pids', (t) => {
    t.pass();
  });
