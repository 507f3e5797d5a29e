import { proveWindow } from './windows.js';

proveWindow('qtquick', '160 100', 20);
