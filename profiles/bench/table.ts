/** One column: its heading, and how its cells stand under it. */
export interface Column {
  readonly heading: string;
  readonly align: 'left' | 'right';
}

/** Lines up rows of cells under their headings, with a rule between. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((column, i) =>
    Math.max(column.heading.length, ...rows.map((row) => cell(row, i).length)),
  );
  const line = (cells: readonly string[]) =>
    columns
      .map((column, i) => {
        const text = cell(cells, i);
        const width = widths[i] ?? 0;
        return column.align === 'left' ? text.padEnd(width) : text.padStart(width);
      })
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [line(columns.map((column) => column.heading)), rule, ...rows.map(line)].join('\n');
}

/** The middle value, or the mean of the two in the middle. @throws RangeError for no values */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const upper = sorted[half];
  const lower = sorted[sorted.length % 2 === 0 ? half - 1 : half];
  if (upper === undefined || lower === undefined) throw new RangeError('median of no values');
  return (lower + upper) / 2;
}

function cell(row: readonly string[], i: number): string {
  return row[i] ?? '';
}
