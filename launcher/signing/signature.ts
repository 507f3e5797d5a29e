// Signatures of images: what is signed, and the file beside the image that holds it. The layout is that of
// native/image/signature.h, the rules of a launch are in native/exec/signature.cc.
import { type KeyObject, createHash, sign as signBytes, verify as verifyBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, readSync, realpathSync, writeFileSync } from 'node:fs';

import { type Problem, native } from '../engine/index.js';
import { logOf } from '../log.js';
import { moveTo } from '../store/replace.js';
import { publicBytes } from './keys.js';
import { verityDigest } from './verity.js';

const MAGIC = 'THAWSIG\0';
const VERSION = 1;
const storeLog = logOf('store');

/** Fields of struct Signature: offset and size. */
const ID = 16;
const METADATA = 32;
const VERITY = 96;
const KEY = 128;
const SIGNATURE = 160;
const SIZE = 224;

/** Beside the image itself, not beside a link to it. */
export function signaturePath(image: string): string {
  return `${realpathSync(image)}.sig`;
}

/** Signs the image, whatever it holds. Returns the path of the signature. */
export function signImage(image: string, key: KeyObject): string {
  const statement = statementOf(image);
  const path = signaturePath(image);
  const bytes = Buffer.concat([statement, publicBytes(key), signBytes(null, statement, key)]);
  const aside = `${path}.${process.pid}`;
  writeFileSync(aside, bytes, { mode: 0o444, flush: true });
  moveTo(aside, path);
  storeLog.info({ image, signature: path }, 'signed');
  return path;
}

/** What is wrong with the image's signature, if it has to be by one of `keys`. All of the image is read. */
export function signatureProblems(image: string, keys: readonly KeyObject[]): readonly Problem[] {
  const path = signaturePath(image);
  const bytes = readSignature(path);
  const again = 'sign this image (thaw sign), or copy the signed one again';
  if (bytes === undefined) return [problem(`there is no signature ${path}`, 'sign the image (thaw sign)')];
  const statement = bytes.subarray(0, KEY);
  if (
    bytes.length !== SIZE ||
    bytes.toString('latin1', 0, 8) !== MAGIC ||
    statement.readUInt32LE(8) !== VERSION
  )
    return [problem(`${path} is no signature that this thaw knows`, again)];
  const key = keys.find((one) => publicBytes(one).equals(bytes.subarray(KEY, SIGNATURE)));
  if (key === undefined)
    return [problem("the image's signature is by another key", 'name the public key of the one who signed')];
  if (!verifyBytes(null, statement, key, bytes.subarray(SIGNATURE)))
    return [problem("the image's signature is not by the key that it names", again)];
  if (!statement.equals(statementOf(image)))
    return [problem('the image is not the one that was signed', again)];
  return [];
}

/** What a launch would find about fs-verity, beside the signature. */
export function verityProblems(image: string, required: boolean): readonly Problem[] {
  const measured = native.measureVerity(image);
  if (measured === verityDigest(image).toString('hex') || (measured === null && !required)) return [];
  return measured === null
    ? [
        problem(
          "the image's page data is not under fs-verity, and this device requires that",
          'fsverity enable, on a file system that has it',
        ),
      ]
    : [
        problem(
          "the image's fs-verity digest is not the one that was signed",
          'copy the image again, and enable fs-verity with blocks of 4096 bytes and no salt',
        ),
      ];
}

/** The bytes of struct Statement for the image as it is. */
function statementOf(image: string): Buffer {
  const { header } = native.show(image);
  const statement = Buffer.alloc(KEY);
  statement.write(MAGIC, 'latin1');
  statement.writeUInt32LE(VERSION, 8);
  Buffer.from(header.id, 'hex').copy(statement, ID);
  metadataDigest(image, header).copy(statement, METADATA);
  verityDigest(image).copy(statement, VERITY);
  return statement;
}

interface Places {
  readonly size: number;
  readonly metadataOffset: number;
  readonly fileSize: number;
}

function metadataDigest(image: string, { size, metadataOffset, fileSize }: Places): Buffer {
  const file = openSync(image, 'r');
  try {
    const metadata = Buffer.alloc(size + fileSize - metadataOffset);
    readSync(file, metadata, 0, size, 0);
    readSync(file, metadata, size, fileSize - metadataOffset, metadataOffset);
    return createHash('blake2b512').update(metadata).digest();
  } finally {
    closeSync(file);
  }
}

function readSignature(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

function problem(what: string, remedy: string): Problem {
  return { condition: 'signature', what, remedy };
}
