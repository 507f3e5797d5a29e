import { proveWindow } from './windows.js';

proveWindow('gtk3', '160 190');
