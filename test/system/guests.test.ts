// The test apps in QEMU guests of each CPU, as root and as an ordinary user; those of several processes where it is quick.
import { GUEST_CPUS } from '../../launcher/cpus.js';
import { proveTable } from './support/guest_table.js';

for (const cpu of GUEST_CPUS)
  for (const identity of ['root', 'user'] as const) proveTable(cpu, identity, 'apps');
proveTable('aarch64', 'root', 'trees');
