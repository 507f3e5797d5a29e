// Every kind of state comes back: each test app checks its own after the restore, as root and as an ordinary user.
import test from 'ava';

import { checkRow, title } from './support/check.js';
import { identities } from './support/identity.js';
import { rows } from './support/rows.js';

for (const identity of identities)
  for (const row of rows)
    if (row.only === undefined || row.only === identity.name)
      test(title(row, identity), (t) => checkRow(t, row, identity));
