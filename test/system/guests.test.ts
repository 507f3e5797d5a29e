// The test apps in QEMU guests of each CPU, of one as root, of the other as an ordinary user; those of several processes where
// it is quick. The rest takes long: guests.slow.test.ts.
import { proveTable } from './support/guest_table.js';

proveTable('aarch64', 'root', 'apps');
proveTable('armv7', 'user', 'apps');
proveTable('aarch64', 'root', 'trees');
