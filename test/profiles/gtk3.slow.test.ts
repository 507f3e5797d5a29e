import { proveWindow } from './windows.js';

proveWindow('gtk3', { clickAt: '160 190', inARow: 20 });
