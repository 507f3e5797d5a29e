import { proveWindow } from './windows.js';

proveWindow('qtquick', { clickAt: '160 100' });
