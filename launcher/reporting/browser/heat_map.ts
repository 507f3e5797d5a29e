// The map of the address space: a cell for so many pages, in the order of addresses.
import * as Plot from '@observablehq/plot';

import { size } from '../../units.js';
import { type ChartData, type Region, STATES, type State } from '../data.js';

interface Cell {
  readonly x: number;
  readonly y: number;
  readonly state: State;
  readonly region: Region;
  /** Bytes from the region's start. */
  readonly from: number;
  readonly bytes: number;
}

/** Pixels of a cell, with its gap. */
const PITCH = 9;
/** Of a map that is drawn wide: on a phone there are as many cells in more rows. */
const ROWS = 30;
const COLUMNS = 112;
/** What of a cell has to be hot for the whole of it to show that. */
const ENOUGH = 0.2;
/** A stretch of zeros is drawn no longer than that part of all else. */
const MOST_EMPTY = 1 / 100;

const WORDS: Readonly<Record<State, string>> = {
  empty: 'zeros, never touched',
  file: 'from the file',
  stored: 'stored, on demand',
  read: 'read at launch',
  written: 'written at launch',
};

export class HeatMap {
  #cells: readonly Cell[] = [];
  readonly #place = document.getElementById('chart-memory');
  readonly #slider = document.getElementById('cell');
  readonly #text = document.getElementById('cell-text');

  constructor(private readonly data: ChartData) {
    this.#slider?.addEventListener('input', () => {
      this.#show();
    });
  }

  draw(width?: number): void {
    const room = width ?? this.#place?.clientWidth ?? 0;
    if (this.#place === null || room === 0) return;
    const columns = Math.max(16, Math.floor(room / PITCH));
    this.#cells = cellsOf(this.data, columns);
    const drawn = this.#plot(room, columns);
    drawn.setAttribute('aria-hidden', 'true');
    this.#place.replaceChildren(drawn);
    if (!(this.#slider instanceof HTMLInputElement)) return;
    this.#slider.max = String(Math.max(0, this.#cells.length - 1));
    this.#slider.disabled = this.#cells.length === 0;
    this.#show();
  }

  #plot(width: number, columns: number): ReturnType<typeof Plot.plot> {
    const rows = Math.ceil(this.#cells.length / columns);
    const cells = [...this.#cells];
    return Plot.plot({
      width,
      height: (rows * width) / columns,
      margin: 0,
      axis: null,
      x: { type: 'band', domain: Array.from({ length: columns }, (_, i) => i), padding: 0 },
      y: { type: 'band', domain: Array.from({ length: rows }, (_, i) => i), padding: 0 },
      color: { type: 'categorical', domain: STATES, range: STATES.map((state) => `var(--${state})`) },
      marks: [
        Plot.cell(cells, { x: 'x', y: 'y', fill: 'state', inset: 0.75, rx: 1.5, className: 'cells' }),
        Plot.tip(
          cells,
          Plot.pointer({
            x: 'x',
            y: 'y',
            title: words,
            fill: 'var(--surface)',
            stroke: 'var(--line)',
            maxRadius: PITCH,
            lineWidth: 30,
          }),
        ),
      ],
    });
  }

  /** The cell that the slider stands on: marked in the map, told in words. */
  #show(): void {
    if (!(this.#slider instanceof HTMLInputElement)) return;
    const at = Number(this.#slider.value);
    const cell = this.#cells[at];
    const rects = this.#place?.querySelectorAll('g[aria-label="cell"] rect') ?? [];
    for (const [i, rect] of [...rects].entries()) rect.classList.toggle('at', i === at);
    const text = cell === undefined ? '' : words(cell);
    this.#slider.setAttribute('aria-valuetext', text);
    if (this.#text !== null) this.#text.textContent = text;
  }
}

function words({ region, from, bytes, state }: Cell): string {
  const address = (BigInt(`0x${region.start}`) + BigInt(from)).toString(16);
  return `${region.name}\n${address}, ${size(bytes)}, ${region.prot}: ${WORDS[state]}`;
}

function cellsOf({ regions, pageSize }: ChartData, columns: number): Cell[] {
  const solid = sum(
    regions.flatMap(({ runs }) => runs.filter(([state]) => state !== 'empty').map(([, bytes]) => bytes)),
  );
  const mostEmpty = Math.ceil((solid * MOST_EMPTY) / pageSize) * pageSize;
  const drawn = sum(regions.flatMap(({ runs }) => runs.map((run) => lengthOf(run, mostEmpty))));
  // A region takes one cell at least.
  const cells = Math.max(COLUMNS * ROWS - regions.length, regions.length);
  const cellBytes = Math.ceil(drawn / cells / pageSize) * pageSize;
  const placed: Cell[] = [];
  for (const region of regions)
    for (const cell of regionCells(region, cellBytes, mostEmpty)) {
      const at = placed.length;
      placed.push({ ...cell, x: at % columns, y: Math.floor(at / columns) });
    }
  return placed;
}

function lengthOf([state, bytes]: readonly [State, number], mostEmpty: number): number {
  return state === 'empty' ? Math.min(bytes, mostEmpty) : bytes;
}

/** Where a stretch of zeros is drawn shorter, its last cell stands for the rest. */
function regionCells(region: Region, cellBytes: number, mostEmpty: number): Omit<Cell, 'x' | 'y'>[] {
  const cells: Omit<Cell, 'x' | 'y'>[] = [];
  let shares = new Map<State, number>();
  let [from, room, real] = [0, cellBytes, 0];
  const close = (): void => {
    if (real === 0) return;
    cells.push({ region, from, bytes: real, state: stateOf(shares) });
    from += real;
    [shares, room, real] = [new Map<State, number>(), cellBytes, 0];
  };
  for (const run of region.runs) {
    const [state, bytes] = run;
    let left = lengthOf(run, mostEmpty);
    let hidden = bytes - left;
    while (left > 0) {
      const part = Math.min(left, room);
      shares.set(state, (shares.get(state) ?? 0) + part);
      [left, room, real] = [left - part, room - part, real + part];
      if (left === 0) [real, hidden] = [real + hidden, 0];
      if (room === 0) close();
    }
  }
  close();
  return cells;
}

/** The hottest that takes up enough, else what there is most of. */
function stateOf(shares: ReadonlyMap<State, number>): State {
  const all = sum([...shares.values()]);
  const hot = [...STATES]
    .reverse()
    .find((state) => state !== 'empty' && (shares.get(state) ?? 0) >= ENOUGH * all);
  return hot ?? [...shares].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'empty';
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
