// In QEMU guests of each CPU: what guests.test.ts leaves out; what a checkpoint refuses, also with all rights that a device's
// root has; guards of restored memory, which are code of the CPU.
import { GUEST_CPUS } from '../../launcher/cpus.js';
import { proveTable } from './support/guest_table.js';

proveTable('aarch64', 'user', 'apps');
proveTable('armv7', 'root', 'apps');
proveTable('aarch64', 'user', 'trees');
for (const identity of ['root', 'user'] as const) {
  proveTable('armv7', identity, 'trees');
  for (const cpu of GUEST_CPUS) proveTable(cpu, identity, 'refusals');
}
for (const cpu of GUEST_CPUS) proveTable(cpu, 'user', 'guards');
