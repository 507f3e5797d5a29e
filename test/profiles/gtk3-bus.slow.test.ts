import { proveWindow } from './windows.js';

proveWindow('gtk3-bus', '160 190', 20);
