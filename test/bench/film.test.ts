import test from 'ava';
import { inflateSync } from 'node:zlib';

import { filmstrip } from '../../bench/chart/film.js';
import { type Pixels, png, readPpm } from '../../bench/chart/png.js';

const pixels = (colour: number): Pixels => ({ width: 2, height: 2, rgb: Buffer.alloc(12, colour) });

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
  const shown = [...svg.matchAll(/<use href="#([\w-]+)" x="(\d+)"/g)].map(([, id, x]) => [id, x]);
  const [second, third] = [shown[1]?.[1], shown[0]?.[1]];
  t.deepEqual(shown, [
    ['frame-0-0', third],
    ['frame-1-1', second],
    ['frame-1-1', third],
  ]);
  t.is(
    svg.match(/<image /g)?.length,
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
