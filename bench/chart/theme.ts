// What all charts look like, on light and on dark pages.

/** Distinct also for most of those who do not see all colours: Okabe and Ito's palette, with grey and violet for its black and yellow. */
const LIGHT = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#6b7280', '#7b5ccc'];
const DARK = ['#4aa3dd', '#f0803c', '#2bbf95', '#dd97bd', '#8fd0f7', '#f0b93f', '#9aa4ae', '#a78bfa'];

/** The name of a colour, the same again after the last one. */
export function color(i: number): string {
  return `var(--color-${i % LIGHT.length})`;
}

export const COLORS = LIGHT.map((_, i) => color(i));
export const INK = 'var(--ink)';
export const FAINT = 'var(--line)';
export const FONT_SIZE = 13;
/** Around a chart, in pixels, as all lengths. */
export const MARGIN = 12;
/** Of a chart with its labels: pages of documentation show it as large as it is. */
export const WIDTH = 800;

/** A width that the text certainly has room in. */
export function textWidth(text: string): number {
  return Math.ceil(text.length * FONT_SIZE * 0.6);
}

/** For a picture of this class. It stands on a page of its own, so it says itself what dark pages change. */
export function style(className: string): string {
  const values = (colors: readonly string[]): string =>
    colors.map((value, i) => `--color-${i}: ${value};`).join(' ');
  return `
.${className} { --page: #ffffff; --ink: #1a1d21; --line: #e2e4e6; ${values(LIGHT)} }
@media (prefers-color-scheme: dark) {
  .${className} { --page: #0d1117; --ink: #e8eaec; --line: #2c3138; ${values(DARK)} }
}
`;
}
