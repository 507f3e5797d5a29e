// A report as one page of HTML that needs nothing else: style, charts and data are in it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { projectFolder } from '../engine/index.js';
import { ThawError } from '../errors.js';
import { median } from '../statistics.js';
import { needs } from '../store/needs.js';
import { size } from '../units.js';
import type { Report } from './collect.js';
import { type Measured, STATES, type State } from './data.js';
import { Html, json, markup } from './markup.js';
import { totals } from './memory.js';
import { descriptorTable, inputTable, mappingTable, pairList, threadTable } from './tables.js';

/** @throws ThawError where the project is not built */
export function page(report: Report, version: string, now: Date): string {
  const { definition } = report;
  const body = [
    header(report),
    markup`<main id="main">
      ${[figures(report), health(report), starts(report), timeline(report), memory(report), state(report), history(report)]}
    </main>`,
    markup`<footer>
      <p>Made ${day(now)} by thaw ${version}, from the image ${report.image.header.id}.</p>
    </footer>`,
  ];
  return `<!doctype html>\n${
    markup`<html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
        />
        <title>${definition.name}: thaw report</title>
        <style>
          ${asset('page.css')}
        </style>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the report</a>
        ${body}
        <script type="application/json" id="data">
          ${json(report.charts)}
        </script>
        <script>
          ${asset('main.js')};
        </script>
      </body>
    </html> `.text
  }`;
}

/** What scripts/build-typescript.sh has bundled. */
function asset(name: string): Html {
  try {
    return new Html(
      readFileSync(join(projectFolder, 'dist/report', name), 'utf8').replaceAll('</script', '<\\/script'),
    );
  } catch (cause) {
    throw new ThawError(`the report's ${name} is not built`, { remedy: 'npm run build', cause });
  }
}

const SECTIONS = [
  ['starts', 'Cold and warm'],
  ['launch', 'A launch'],
  ['memory', 'Memory'],
  ['state', 'State'],
  ['inputs', 'Inputs'],
  ['history', 'History'],
] as const;

function header({ definition, problems }: Report): Html {
  const command = [definition.program, ...definition.args].join(' ');
  const good = problems.length === 0;
  return markup`<header>
    <p class="overline">thaw report</p>
    <div class="title">
      <h1>${definition.name}</h1>
      <p class="verdict ${good ? 'good' : 'bad'}">${good ? 'launches warm' : 'starts cold'}</p>
    </div>
    <p class="command"><code>${command}</code></p>
    <nav aria-label="Sections">
      <ul>
        ${SECTIONS.map(([id, title]) => markup`<li><a href="#${id}">${title}</a></li>`)}
      </ul>
    </nav>
  </header>`;
}

function latest({ charts: { measured } }: Report): Measured | undefined {
  return measured.at(-1);
}

function figures(report: Report): Html {
  const { image } = report;
  const last = latest(report);
  const { readPages, writtenPages } = image.workingSet;
  const measured: readonly (readonly [string, string, string])[] =
    last === undefined
      ? []
      : [
          ['Cold start', ms(median(last.cold)), 'until the first answer'],
          ['Warm launch', ms(median(last.warm)), 'until the first answer'],
          [
            'Sooner by',
            `${(median(last.cold) / median(last.warm)).toPrecision(3)}×`,
            `medians of ${last.warm.length} runs`,
          ],
        ];
  const all = [
    ...measured,
    ['Image', size(image.sizes.onDisk), `${size(image.sizes.stored)} of memory`],
    ['Working set', size((readPages + writtenPages) * image.header.pageSize), 'what a launch touches'],
  ] as const;
  return markup`<section aria-label="Key figures">
    <dl class="figures">
      ${all.map(
        ([name, value, note]) =>
          markup`<div>
            <dt>${name}</dt>
            <dd><strong>${value}</strong><span>${note}</span></dd>
          </div>`,
      )}
    </dl>
  </section>`;
}

function health({ problems, notices }: Report): Html | undefined {
  if (problems.length + notices.length === 0) return undefined;
  const one = (kind: string, what: string, remedy: string): Html =>
    markup`<li class="${kind}">
      <p>${what}</p>
      ${remedy === '' ? undefined : markup`<p class="remedy">${remedy}</p>`}
    </li>`;
  return markup`<section id="health">
    <h2>${problems.length > 0 ? 'What stops a launch' : 'To know'}</h2>
    <ul class="findings">
      ${[
        problems.map(({ what, remedy }) => one('bad', what, remedy)),
        notices.map(({ text, remedy }) => one('note', text, remedy)),
      ]}
    </ul>
  </section>`;
}

function starts(report: Report): Html {
  const last = latest(report);
  const { name } = report.definition;
  const body =
    last === undefined
      ? markup`<p class="none">
          Nothing was measured yet: <code>thaw report ${name} --runs 5</code> starts the app cold and warm in
          turn.
        </p>`
      : markup`<p>
            From the start of the command to the first right answer, cold and warm in turn;
            ${day(new Date(last.at))}.
          </p>
          ${figure('chart-starts', `Cold starts take ${ms(median(last.cold))}, warm launches ${ms(median(last.warm))}: medians of ${last.cold.length} and ${last.warm.length} runs.`)}
          ${details('All runs', runTable(last))}`;
  return section('starts', 'Cold and warm', body);
}

function runTable({ cold, warm }: Measured): Html {
  const rows = cold.map(
    (value, i) =>
      markup`<tr>
        <td>${i + 1}</td>
        <td>${ms(value)}</td>
        <td>${ms(warm[i] ?? 0)}</td>
      </tr>`,
  );
  return markup`<table class="numbers">
    <thead>
      <tr>
        <th scope="col">Run</th>
        <th scope="col">Cold</th>
        <th scope="col">Warm</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}

function timeline(report: Report): Html {
  const traced = [...report.charts.measured].reverse().find(({ phases }) => phases.length > 0);
  const body =
    traced === undefined
      ? markup`<p class="none">
          No phases were measured yet: <code>thaw report ${report.definition.name} --runs 5</code>.
        </p>`
      : markup`<p>
            From the start of thaw-exec until every thread of the app runs again; medians of
            ${traced.phases.length} launches. Between resume and the first answer the app works by itself.
          </p>
          ${figure('chart-phases', 'The phases of a launch, one after the other, in microseconds.')}`;
  return section('launch', 'A launch, phase by phase', body);
}

const STATE_WORDS: Readonly<Record<State, readonly [string, string]>> = {
  written: ['Written at launch', 'a copy for each instance, filled in a batch'],
  read: ['Read at launch', 'one copy for all instances, read ahead'],
  stored: ['Stored, on demand', 'in the image, and not touched until the first answer'],
  file: ['From files', 'as a cold start has it, shared by all'],
  empty: ['Empty', 'zeros, never touched'],
};

function memory({ charts, image }: Report): Html {
  const sums = totals(charts.regions);
  const legend = [...STATES].reverse().map(
    (one) =>
      markup`<li>
          <span class="swatch ${one}"></span><span class="name">${STATE_WORDS[one][0]}</span
          ><span class="amount">${size(sums[one])}</span><span class="what">${STATE_WORDS[one][1]}</span>
        </li>`,
  );
  return section(
    'memory',
    'The address space',
    markup`<p>
        Every mapping of the app in the order of its addresses, each beginning in a cell of its own. Long
        stretches of zeros are drawn shorter than they are.
      </p>
      <ul class="legend">
        ${legend}
      </ul>
      ${figure('chart-memory', 'A map of the address space. The table below has the same by mapping.')}
      <div class="cursor">
        <label for="cell">Walk through the map</label
        ><input type="range" id="cell" min="0" max="0" value="0" disabled /><output
          for="cell"
          id="cell-text"
        ></output>
      </div>
      ${details(`${charts.regions.length} mappings`, mappingTable(charts.regions))}
      <noscript><p>The charts need JavaScript; the tables do not.</p></noscript>
      <p class="small">Pages of ${size(image.header.pageSize)}.</p>`,
  );
}

function state({ image }: Report): Html {
  const [process] = image.processes;
  if (process === undefined) return markup``;
  const inputs = image.inputs.length + image.requirements.machine.length;
  return markup`${section(
    'state',
    'What comes back',
    markup`<h3>Descriptors</h3>
      ${descriptorTable(process)}
      <h3>Threads</h3>
      ${threadTable(process)}
      <h3>What the image needs</h3>
      ${pairList(needs(image))}`,
  )}${section(
    'inputs',
    `Inputs (${inputs})`,
    markup`<p>
        The warm state was computed from these. When one changes, the next start is cold, and a new image is
        asked for.
      </p>
      <div class="filter">
        <label for="filter">Find</label
        ><input type="search" id="filter" autocomplete="off" aria-controls="input-rows" /><output
          id="filter-count"
          for="filter"
        ></output>
      </div>
      ${inputTable(image)}`,
  )}`;
}

function history({ charts: { measured, built } }: Report): Html {
  const enough = measured.length > 1 || built.length > 1;
  const body = enough
    ? markup`<p>Each build and each measurement of this profile.</p>
        <div class="pair">
          ${figure('chart-history-starts', 'Medians of cold starts and warm launches over time.')}${figure('chart-history-size', 'Size of the image and of its working set over time.')}
        </div>
        ${details('All builds', buildTable(built))}`
    : markup`<p class="none">
        There is one build so far. Each further build, and each <code>thaw bench</code>, adds a point.
      </p>`;
  return section('history', 'History', body);
}

function buildTable(built: Report['charts']['built']): Html {
  const rows = built.map(
    ({ at, onDisk, workingSet }) =>
      markup`<tr>
        <td>${day(new Date(at))}</td>
        <td>${size(onDisk)}</td>
        <td>${size(workingSet)}</td>
      </tr>`,
  );
  return markup`<table class="numbers">
    <thead>
      <tr>
        <th scope="col">Built (UTC)</th>
        <th scope="col">Image</th>
        <th scope="col">Working set</th>
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}

function section(id: string, title: string, body: Html): Html {
  return markup`<section id="${id}">
    <h2>${title}</h2>
    ${body}
  </section>`;
}

function figure(id: string, caption: string): Html {
  return markup`<figure><div class="chart" id="${id}" role="img" aria-label="${caption}"></div></figure>`;
}

function details(summary: string, body: Html): Html {
  return markup`<details>
    <summary>${summary}</summary>
    ${body}
  </details>`;
}

function ms(value: number): string {
  return `${value < 100 ? value.toPrecision(3) : Math.round(value)} ms`;
}

function day(date: Date): Html {
  return markup`<time datetime="${date.toISOString()}"
    >${date.toISOString().slice(0, 16).replace('T', ' ')}</time
  >`;
}
