import { deflateSync } from 'node:zlib';

/** A picture of three bytes for each pixel. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly rgb: Buffer;
}

/** @throws RangeError for what is no binary PPM */
export function readPpm(file: Buffer): Pixels {
  const head = /^P6 (\d+) (\d+) 255\n/.exec(file.toString('latin1', 0, 40));
  const [all = '', width, height] = head ?? [];
  const pixels = { width: Number(width), height: Number(height), rgb: file.subarray(all.length) };
  if (pixels.rgb.length !== pixels.width * pixels.height * 3) throw new RangeError('no PPM');
  return pixels;
}

/** As PNG: each line with its differences from the one above, which suits windows. */
export function png({ width, height, rgb }: Pixels): Buffer {
  const UP = 2;
  const stride = width * 3;
  const lines = Buffer.alloc((stride + 1) * height);
  for (let y = 0; y < height; ++y) {
    lines[y * (stride + 1)] = UP;
    for (let x = 0; x < stride; ++x) {
      const above = y > 0 ? (rgb[(y - 1) * stride + x] ?? 0) : 0;
      lines[y * (stride + 1) + 1 + x] = ((rgb[y * stride + x] ?? 0) - above) & 0xff;
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2], 8); // Bits of a colour, RGB.
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', deflateSync(lines)), chunk('IEND')]);
}

function chunk(name: string, content = Buffer.alloc(0)): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const around = Buffer.alloc(8);
  around.writeUInt32BE(content.length, 0);
  around.writeUInt32BE(checksum(named), 4);
  return Buffer.concat([around.subarray(0, 4), named, around.subarray(4)]);
}

/** CRC-32, for which Node.js 20.0 has no function. */
function checksum(bytes: Buffer): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; ++bit) sum = (sum >>> 1) ^ (0xedb88320 & -(sum & 1));
  }
  return ~sum >>> 0;
}
