// In QEMU guests of each CPU: apps of several processes, and what a checkpoint refuses, also with all rights that a device's root
// has.
import { GUEST_CPUS } from '../../launcher/cpus.js';
import { proveTable } from './support/guest_table.js';

proveTable('aarch64', 'user', 'trees');
for (const identity of ['root', 'user'] as const) {
  proveTable('armv7', identity, 'trees');
  for (const cpu of GUEST_CPUS) proveTable(cpu, identity, 'refusals');
}
