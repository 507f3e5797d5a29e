import test from 'ava';
import { inflateSync } from 'node:zlib';
import { DOMParser } from 'linkedom';

import { filmstrip } from '../../bench/chart/film.js';
import { type Pixels, png, readPpm } from '../../bench/chart/png.js';

const pixels = (colour: number): Pixels => ({ width: 2, height: 2, rgb: Buffer.alloc(12, colour) });
const source = (colour: number): string => `data:image/png;base64,${png(pixels(colour)).toString('base64')}`;

test('each strip shows what was there last, and nothing before its first frame', (t) => {
  const svg = filmstrip(
    'T',
    [0, 10, 20],
    [
      { label: 'slow', frames: [{ at: 15, pixels: pixels(1) }] },
      {
        label: 'fast',
        frames: [
          { at: 1, pixels: pixels(2) },
          { at: 10, pixels: pixels(3) },
        ],
      },
    ],
  );
  const pictures = new DOMParser().parseFromString(svg, 'image/svg+xml') as unknown as Document;
  const place = (element: Element): [number, number] => [
    Number(element.getAttribute('x')),
    Number(element.getAttribute('y')),
  ];
  const shown = [...pictures.querySelectorAll('image, use')].map((element) => {
    const held = pictures.getElementById(element.getAttribute('href')?.slice(1) ?? '');
    const [[x, y], [heldX, heldY]] = [place(element), held === null ? [0, 0] : place(held)];
    return { x: x + heldX, y: y + heldY, source: (held ?? element).getAttribute('href') };
  });
  const [slow, fast, later] = shown;
  t.is(shown.length, 3, 'nothing before the first frame');
  t.deepEqual(slow?.source, source(1));
  t.deepEqual([fast?.source, later?.source], [source(3), source(3)]);
  t.is(slow?.x, later?.x, 'the same time');
  t.true((fast?.x ?? 0) < (later?.x ?? 0));
  t.is(fast?.y, later?.y, 'the same strip');
  t.true((slow?.y ?? 0) < (fast?.y ?? 0));
  t.is(pictures.querySelectorAll('[aria-label=cell] rect').length, 6, 'an empty screen for each time');
  t.is(
    pictures.querySelectorAll('image').length,
    2,
    'a picture that is shown twice is held once, one that is not shown never',
  );
});

test('a picture as PNG holds the pixels of the PPM', (t) => {
  const rgb = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255]);
  const picture = png(readPpm(Buffer.concat([Buffer.from('P6 2 2 255\n'), rgb])));
  t.is(picture.readUInt32BE(16), 2);
  const at = picture.indexOf('IDAT');
  const lines = inflateSync(picture.subarray(at + 4, at + 4 + picture.readUInt32BE(at - 4)));
  t.deepEqual([...lines], [2, 1, 2, 3, 4, 5, 6, 2, 6, 6, 6, 6, 6, 249]);
  // The checksum of an empty IEND, which every PNG has.
  t.is(picture.subarray(-4).toString('hex'), 'ae426082');
  t.throws(() => readPpm(Buffer.from('P6 2 2 255\nshort')), { instanceOf: RangeError });
});
