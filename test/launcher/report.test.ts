// thaw report: one page that needs nothing else, looked at in a browser at three widths, light and dark, and on paper.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Browser, type Page, chromium } from 'playwright-core';

import { native } from '../../launcher/engine/index.js';
import { storedRunsSchema } from '../../launcher/engine/image.js';
import { json, markup } from '../../launcher/reporting/markup.js';
import { regionsOf, totals } from '../../launcher/reporting/memory.js';
import * as v from 'valibot';
import { workFolder } from '../engine/support/paths.js';
import { Workshop } from './support.js';

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking'];
const MORE_FLAGS = ['--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** What was drawn is kept there, to be looked at. */
const pictures = workFolder('report');

test('what is put into HTML is escaped', (t) => {
  t.is(
    markup`<p title="${'"&'}">${['<b>', markup`<i>${1}</i>`]}</p>`.text,
    '<p title="&#34;&#38;">&#60;b&#62;<i>1</i></p>',
  );
  t.is(json({ a: '</script>' }).text, '{"a":"\\u003c/script>"}');
});

/** A profile with an image and a history. */
function profile(t: ExecutionContext): Workshop {
  const workshop = new Workshop(t);
  const built = workshop.thaw(
    'build',
    workshop.profile(
      'app',
      'until = { log = "warm$" }\nsettle = "100ms"',
      'data = [str(i) for i in range(300_000)]',
    ),
  );
  t.is(built.status, 0, built.stderr);
  const history = join(workshop.store, 'profiles/app/history.jsonl');
  const [build = ''] = readFileSync(history, 'utf8').split('\n');
  const first = JSON.parse(build) as Record<string, number>;
  const day = 86_400_000;
  const phases = { open: 812, unmap: 40, map: 380, threads: 60, feed: 210, commit: 70 };
  const lines = [0, 1, 2, 3].flatMap((i) => [
    { ...first, at: (first['at'] ?? 0) - (4 - i) * day, onDisk: 9e6 + i * 1e5 },
    {
      kind: 'starts',
      at: (first['at'] ?? 0) - (4 - i) * day + 60_000,
      image: '',
      cold: [611, 640 - i * 9, 702],
      warm: [12 + i / 3, 11.4, 12.6],
      phases: [phases, { ...phases, map: 402 }],
    },
  ]);
  writeFileSync(history, [...lines, first].map((line) => `${JSON.stringify(line)}\n`).join(''));
  return workshop;
}

test('each page of memory has one state, and what the image holds is there', (t) => {
  const workshop = profile(t);
  const path = join(workshop.store, 'profiles/app/current.thaw');
  const image = native.show(path);
  const stored = v.parse(storedRunsSchema, native.storedPages(path));
  const pages = stored.reduce((sum, run) => sum + run.pages, 0);
  t.true(Math.abs(pages - image.sizes.storedPages) <= 0.1 * pages, `${pages} ${image.sizes.storedPages}`);
  const regions = regionsOf(image, stored);
  for (const { bytes, runs, name } of regions)
    t.is(
      runs.reduce((sum, [, size]) => sum + size, 0),
      bytes,
      name,
    );
  const sums = totals(regions);
  // What is thaw's own lies in no mapping of the app's.
  const { readPages, writtenPages } = image.workingSet;
  const others = readPages + writtenPages - (sums.read + sums.written) / image.header.pageSize;
  t.true(others >= 0 && others < 8, String(others));
});

test.serial('the report, as it is seen', async (t) => {
  const workshop = profile(t);
  const file = join(workshop.folder, 'report.html');
  const made = workshop.thaw('report', 'app', '-o', file);
  t.is(made.status, 0, made.stderr);
  t.is(made.stdout, `${file}\n`);
  t.true(statSync(file).size < 1_500_000);
  const browser = await chromium.launch({
    executablePath: '/usr/lib/chromium/chromium-headless-shell',
    args: [...FLAGS, ...MORE_FLAGS],
  });
  try {
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [360, 800, 1440]) await look(t, browser, file, width, colorScheme);
    await onPaper(t, browser, file);
  } finally {
    await browser.close();
  }
});

async function look(
  t: ExecutionContext,
  browser: Browser,
  file: string,
  width: number,
  colorScheme: 'light' | 'dark',
): Promise<void> {
  const what = `${width}-${colorScheme}`;
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const problems = watch(page);
  await page.goto(`file://${file}`);
  await page.waitForSelector('#chart-history-size svg');
  await page.screenshot({ path: join(pictures, `${what}.png`), fullPage: true });
  t.is(await page.evaluate('document.documentElement.scrollWidth'), width, `${what}: wider than the window`);
  for (const table of ['Inputs', 'Descriptors', 'Threads']) await expectToFit(t, page, table, what);
  t.deepEqual(problems, [], what);
  await expectAccessible(t, page, what);
  await useKeyboard(t, page, what);
  t.deepEqual(problems, [], what);
  await page.close();
}

/** The last column of a table is not cut off. */
async function expectToFit(t: ExecutionContext, page: Page, table: string, what: string): Promise<void> {
  const hidden = `(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector('[aria-label="${table}"]'))`;
  t.is(await page.evaluate(hidden), 0, `${what}: ${table} is wider than its frame`);
}

/** Nothing but the file itself is fetched, and nothing goes wrong. */
function watch(page: Page): string[] {
  const problems: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith('file:')) problems.push(`fetches ${request.url()}`);
  });
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  return problems;
}

async function expectAccessible(t: ExecutionContext, page: Page, what: string): Promise<void> {
  await page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open = true))");
  await page.addScriptTag({ content: axe });
  const found = await page.evaluate<readonly string[]>(
    "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ target, any }) => target + ' ' + any.map(({ message }) => message)).join('; ')))",
  );
  t.deepEqual(found, [], what);
}

/** Sections, the map and the search are reached and used without a mouse. */
async function useKeyboard(t: ExecutionContext, page: Page, what: string): Promise<void> {
  await page.keyboard.press('Tab');
  t.is(await page.evaluate('document.activeElement.textContent'), 'Skip to the report', what);
  await page.focus('#cell');
  const before = await page.textContent('#cell-text');
  for (let i = 0; i < 40; i++) await page.keyboard.press('ArrowRight');
  const after = await page.textContent('#cell-text');
  t.not(after, before, what);
  t.is(await page.getAttribute('#cell', 'aria-valuetext'), after);
  t.is(await page.locator('rect.at').count(), 1);
  await page.focus('#filter');
  await page.keyboard.type('LD.so.cache');
  t.regex((await page.textContent('#filter-count')) ?? '', /^1 of \d+$/, what);
  const row = page.locator('#input-rows tr:visible');
  t.is(await row.locator('code').textContent({ timeout: 5000 }), '/etc/ld.so.cache', what);
}

async function onPaper(t: ExecutionContext, browser: Browser, file: string): Promise<void> {
  const page = await browser.newPage({ colorScheme: 'dark' });
  await page.goto(`file://${file}`);
  await page.waitForSelector('#chart-memory svg');
  const pdf = await page.pdf({
    path: join(pictures, 'paper.pdf'),
    format: 'A4',
    margin: { top: '1.5cm', left: '1.5cm', right: '1.5cm', bottom: '1.5cm' },
  });
  t.true(pdf.length > 20_000);
  await page.close();
}

test('without measurements the report says how to make some; without a profile it says so', (t) => {
  const workshop = new Workshop(t);
  const built = workshop.thaw('build', workshop.profile('app', 'until = { log = "warm$" }'));
  t.is(built.status, 0, built.stderr);
  const { stdout } = workshop.thaw('report', 'app', '-o', '-');
  t.regex(stdout, /Nothing was measured yet: <code>thaw report app --runs 5<\/code>/);
  t.regex(stdout, /There is one build so far/);
  t.regex(workshop.thaw('report', 'none').stderr, /there is no profile none/);
});
