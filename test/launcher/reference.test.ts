// What is committed of the documents that are made from the schema of a profile.
import test from 'ava';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { projectFolder } from '../../launcher/engine/index.js';
import { documents } from '../../scripts/reference/documents.js';

for (const [path, text] of await documents())
  test(`${path} says what the schema says`, (t) => {
    const committed = readFileSync(join(projectFolder, path), 'utf8');
    t.is(committed, text, 'npm run docs:reference writes it anew');
  });
