// The tables of a report.
import type { Image, ImageProcess } from '../engine/index.js';
import { size } from '../units.js';
import { STATES, type Region } from './data.js';
import { type Html, markup } from './markup.js';
import { totals } from './memory.js';

type Cell = string | number | Html;

interface Layout {
  /** Columns of numbers. */
  readonly right?: readonly number[];
  /** Columns of long texts, whose lines may break anywhere. */
  readonly wrap?: readonly number[];
  /** Of the rows. */
  readonly id?: string;
}

/** What is too wide for a phone scrolls by itself, also by the keyboard. */
function table(
  name: string,
  titles: readonly string[],
  rows: readonly (readonly Cell[])[],
  { right = [], wrap = [], id }: Layout,
): Html {
  const side = (i: number): string => (right.includes(i) ? 'right' : wrap.includes(i) ? 'left wrap' : 'left');
  const head = titles.map((title, i) => markup`<th scope="col" class="${side(i)}">${title}</th>`);
  const body = rows.map(
    (row) => markup`<tr>${row.map((cell, i) => markup`<td class="${side(i)}">${cell}</td>`)}</tr>\n`,
  );
  const named = id === undefined ? undefined : markup` id="${id}"`;
  return markup`<div class="scroll" role="region" aria-label="${name}" tabindex="0">
    <table>
      <thead>
        <tr>${head}</tr>
      </thead>
      <tbody${named}>${body}</tbody>
    </table>
  </div>`;
}

function code(text: string): Html {
  return markup`<code>${text}</code>`;
}

export function descriptorTable({ descriptors }: ImageProcess): Html {
  const rows = descriptors.map((fd) => [fd.number, fd.kind, fd.policy ?? '', code(fd.note)]);
  return table('Descriptors', ['No.', 'Kind', 'Policy', 'What'], rows, { right: [0], wrap: [3] });
}

export function threadTable({ threads }: ImageProcess): Html {
  return table(
    'Threads',
    ['Id', 'Name', 'Nice'],
    threads.map(({ tid, name, nice }) => [tid, code(name), nice]),
    { right: [0, 2], wrap: [1] },
  );
}

export function inputTable({ inputs, requirements }: Image): Html {
  const machine = requirements.machine.map(({ key, what, value }) => [key, code(what), value]);
  const files = inputs.map(({ kind, path, written, onRoot }) => [
    kind,
    code(path),
    onRoot ? `${requirements.rootIdentity} stands for it` : written ? 'the app writes it, too' : '',
  ]);
  const layout = { wrap: [1, 2], id: 'input-rows' };
  return table('Inputs', ['Kind', 'Path', 'Note'], [...machine, ...files], layout);
}

const AMOUNTS = [...STATES].reverse();

export function mappingTable(regions: readonly Region[]): Html {
  const rows = regions.map((region) => {
    const sums = totals([region]);
    const amounts = AMOUNTS.map((state) => (sums[state] === 0 ? '' : size(sums[state])));
    return [code(region.start), code(region.prot), size(region.bytes), ...amounts, code(region.name)];
  });
  const titles = ['Address', 'Prot', 'Size', 'Written', 'Read', 'Stored', 'File', 'Empty', 'Name'];
  return table('Mappings', titles, rows, { right: [0, 2, 3, 4, 5, 6, 7], wrap: [8] });
}

export function pairList(pairs: readonly (readonly [string, string])[]): Html {
  return markup`<dl class="pairs">
    ${pairs.map(
      ([name, value]) =>
        markup`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}
