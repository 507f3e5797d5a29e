// The few parts of SVG that charts are made of. Lengths in pixels.

export const FONT_SIZE = 13;
/** Distinct also for most of those who do not see all colours (Okabe and Ito's palette, without yellow). */
export const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#555555'] as const;
export const INK = '#222222';
export const FAINT = '#dddddd';

/** A width that the text certainly has room in. */
export function textWidth(text: string): number {
  return Math.ceil(text.length * FONT_SIZE * 0.6);
}

export function color(i: number): string {
  return COLORS[i % COLORS.length] ?? INK;
}

type Attributes = Readonly<Record<string, string | number>>;

export function element(name: string, attributes: Attributes, content = ''): string {
  const list = Object.entries(attributes).map(([key, value]) => ` ${key}="${escape(rounded(value))}"`);
  return content === '' ? `<${name}${list.join('')}/>` : `<${name}${list.join('')}>${content}</${name}>`;
}

export function text(x: number, y: number, words: string, attributes: Attributes = {}): string {
  return element('text', { x, y, fill: INK, ...attributes }, escape(words));
}

export function line(x1: number, y1: number, x2: number, y2: number, attributes: Attributes = {}): string {
  return element('line', { x1, y1, x2, y2, stroke: FAINT, ...attributes });
}

/** A whole picture with a title, on white: it is shown on dark pages too. */
export function picture(width: number, height: number, title: string, parts: readonly string[]): string {
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`,
    width: Math.ceil(width),
    height: Math.ceil(height),
    'font-family': 'sans-serif',
    'font-size': FONT_SIZE,
    role: 'img',
  };
  const all = [
    element('title', {}, escape(title)),
    element('rect', { width: '100%', height: '100%', fill: '#ffffff' }),
    text(12, 24, title, { 'font-weight': 'bold', 'font-size': FONT_SIZE + 2 }),
    ...parts,
  ];
  return `${element('svg', attributes, `\n${all.join('\n')}\n`)}\n`;
}

function rounded(value: string | number): string {
  return typeof value === 'number' ? String(Math.round(value * 100) / 100) : value;
}

function escape(words: string): string {
  return words
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
