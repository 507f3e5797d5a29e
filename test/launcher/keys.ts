// Keys to sign with, as files.
import { generateKeyPairSync } from 'node:crypto';

import type { Workshop } from './support.js';

export interface Keys {
  readonly secret: string;
  readonly open: string;
  readonly pem: string;
}

export function keyPair(workshop: Workshop, name: string): Keys {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  return {
    secret: workshop.write(`${name}.pem`, privateKey.export({ type: 'pkcs8', format: 'pem' })),
    open: workshop.write(`${name}.pub.pem`, pem),
    pem,
  };
}
