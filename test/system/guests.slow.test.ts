// In QEMU guests of each CPU: apps of several processes as an ordinary user, and what a checkpoint refuses, also with all rights
// that a device's root has.
import { GUEST_CPUS } from '../../launcher/cpus.js';
import { proveTable } from './support/guest_table.js';

for (const cpu of GUEST_CPUS) {
  proveTable(cpu, 'user', 'trees');
  for (const identity of ['root', 'user'] as const) proveTable(cpu, identity, 'refusals');
}
